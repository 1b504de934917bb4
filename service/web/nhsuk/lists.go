package nhsuk

import (
	"cmp"
	"html/template"
	"strconv"
)

// A Row of a summary list is something that is known, and what can be done about it.
type Row struct {
	Key       string
	KeyWidth  string // such as "one-half"
	Value     string
	ValueBody Component // instead of Value
	Actions   []Action
	NoBorder  bool
	Classes   string
}

// A SummaryList shows what is known about something, or what was answered.
type SummaryList struct {
	ID           string
	Rows         []Row
	NoBorder     bool
	NoLastBorder bool
	Classes      string
	Card         *Card // that it stands in
}

// HTML writes the list.
func (s SummaryList) HTML() (template.HTML, error) {
	v := summaryList{SummaryList: s}
	for _, r := range s.Rows {
		v.HasActions = v.HasActions || len(r.Actions) > 0
	}
	if s.Card == nil {
		return v.HTML()
	}
	v.Rows = make([]Row, len(s.Rows))
	for i, r := range s.Rows {
		r.Actions = of(s.Card.Heading.Text, r.Actions)
		v.Rows[i] = r
	}
	in := *s.Card
	in.Body = v
	return in.HTML()
}

// summaryList is the list itself.
type summaryList struct {
	SummaryList

	HasActions bool
}

// HTML writes the list without its card.
func (s summaryList) HTML() (template.HTML, error) { return render("summary-list", s) }

// A Task is a part of a task list, with its state as a tag or as text.
type Task struct {
	Title   string
	Href    string
	Hint    string
	Tag     Tag
	State   string // instead of Tag
	Classes string // of the state
}

// A TaskList shows what is done and what is not, in any order.
type TaskList struct {
	ID       string
	IDPrefix string // "task-list" if nothing is said
	Tasks    []Task
	Classes  string
}

// HTML writes the list.
func (t TaskList) HTML() (template.HTML, error) {
	v := taskList{TaskList: t}
	for i, one := range t.Tasks {
		id := cmp.Or(t.IDPrefix, "task-list") + "-" + strconv.Itoa(i+1)
		hint := ""
		if one.Hint != "" {
			hint = id + "-hint"
		}
		v.Items = append(v.Items, task{Task: one, ID: id, DescribedBy: join(hint, id+"-status")})
	}
	return render("task-list", v)
}

// taskList is a TaskList whose tasks have ids.
type taskList struct {
	TaskList

	Items []task
}

type task struct {
	Task

	ID, DescribedBy string
}

// Format is how a cell stands in its column.
type Format string

// The formats. A cell of a numeric column is numeric as well, unless it is text.
const (
	Numeric Format = "numeric"
	Text    Format = "string"
)

// Align is to which side a cell stands.
type Align string

// The sides.
const (
	Left   Align = "left"
	Centre Align = "centre"
	Right  Align = "right"
)

// Sort is how a table is sorted by a column.
type Sort string

// The orders. A column that can be sorted by has one of them; links of columns
// that can are addresses of the same page in another order.
const (
	Unsorted   Sort = "none"
	Ascending  Sort = "ascending"
	Descending Sort = "descending"
)

// A Column is the head of a column.
type Column struct {
	Text    string
	Hidden  string // said after the text, to screen readers only
	Href    string // sorts by it
	Sort    Sort
	Format  Format
	Align   Align
	Width   string // such as "one-half"
	Classes string
}

// A Cell is one of a table.
type Cell struct {
	Text    string
	Body    Component // instead of Text
	Hidden  string    // said after the text, to screen readers only
	Href    string    // makes it a link
	Format  Format
	Align   Align
	Width   string
	Classes string
}

// A Table has rows and columns. Wide ones scroll, or stack on phones
// (Responsive).
type Table struct {
	ID              string
	Caption         Heading
	Columns         []Column
	Rows            [][]Cell
	FirstIsHeader   bool // of each row
	Compact         bool
	Striped         bool
	Responsive      bool
	Reverse         bool // on blue
	NoBorder        bool
	NoLastBorder    bool
	Scroll          bool
	SortableCaption string // said of a table that can be sorted; English if nothing is said
	Classes         string
	Card            *Card // that it stands in
}

// HTML writes the table.
func (t Table) HTML() (template.HTML, error) {
	var whole Component = t.view()
	if t.Scroll {
		whole = Scroll{Body: whole, LabelledBy: t.Caption.ID, Reverse: t.Reverse}
	}
	if t.Card != nil {
		in := *t.Card
		in.Body = whole
		whole = in
	}
	return whole.HTML()
}

func (t Table) view() table {
	v := table{Table: t}
	for _, c := range t.Columns {
		v.Sortable = v.Sortable || c.Sort != ""
		v.Heads = append(v.Heads, t.head(c))
	}
	for _, row := range t.Rows {
		var cells []cell
		for i, c := range row {
			cells = append(cells, t.cell(i, c))
		}
		v.Lines = append(v.Lines, cells)
	}
	class := "nhsuk-table__caption"
	if t.Caption.Size != "" {
		class = join(class, class+"--"+string(t.Caption.Size))
	}
	v.Title = t.Caption.as(class, 1)
	if v.Sortable {
		v.Title.Hidden = cmp.Or(v.Title.Hidden, "("+cmp.Or(t.SortableCaption, "Column headers are sortable")+")")
	}
	return v
}

// head returns the head of a column as the cell that it is.
func (t Table) head(c Column) cell {
	h := cell{
		Text: c.Text, Hidden: c.Hidden, Href: c.Href, Format: c.Format, Align: c.Align, Width: c.Width, Classes: c.Classes,
		Head: true, Scope: "col", Sort: c.Sort,
	}
	if t.Responsive {
		h.Role = "columnheader"
	}
	return h
}

// cell returns a cell with what its column says.
func (t Table) cell(i int, c Cell) cell {
	v := cell{
		Text: c.Text, Body: c.Body, Hidden: c.Hidden, Href: c.Href, Format: c.Format, Align: c.Align, Width: c.Width, Classes: c.Classes,
		Head: i == 0 && t.FirstIsHeader,
	}
	if v.Head {
		v.Scope = "row"
	}
	if i < len(t.Columns) {
		column := t.Columns[i]
		if c.Format == Text && column.Format == Numeric {
			v.Align = cmp.Or(v.Align, Right)
		}
		v.Format = cmp.Or(c.Format, column.Format)
		v.Align = cmp.Or(v.Align, column.Align)
		v.Column, v.ColumnHidden = column.Text, column.Hidden
	}
	if t.Responsive {
		v.Role = "cell"
		if v.Head {
			v.Role = "rowheader"
		}
		v.Named = i < len(t.Columns)
	}
	return v
}

// table is a Table with all that its template needs.
type table struct {
	Table

	Title    heading
	Sortable bool
	Heads    []cell
	Lines    [][]cell
}

// HTML writes the table without what surrounds it.
func (t table) HTML() (template.HTML, error) { return render("table", t) }

// cell is a Cell, or the head of a column, in its place. It has their fields as
// its own: templates find those sooner, and a page has hundreds of cells.
type cell struct {
	Text, Hidden, Href   string
	Body                 Component
	Format               Format
	Align                Align
	Width, Classes       string
	Head                 bool
	Scope, Role          string
	Sort                 Sort
	Column, ColumnHidden string
	Named                bool // repeats the column's name, for a stacked table
}
