package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	cpisv1 "cpis/proto/cpis/v1"
)

// The statuses of `cpis lookup`. None of the three answers is 0 or 1: that is
// what a shell makes of help texts, of pipes that end in another command, and
// of failures, and none of these must ever read as "no flag".
const (
	exitFlagHeld    = 10
	exitNoFlagKnown = 11
	exitCannotSay   = 12
)

type lookupCmd struct {
	connection `embed:""`

	Number     []string `arg:"" name:"nhs-number" help:"NHS number, with or without spaces; - reads it, and on a second line the date of birth, from standard input, so that neither stays in the shell's history and the list of processes."`
	DOB        string   `name:"dob" placeholder:"DATE" help:"Date of birth, such as 2019-04-30 or 30/04/2019. If another is on record, the answer is CANNOT SAY."`
	Mode       string   `enum:",unscheduled,scheduled" default:"" placeholder:"MODE" help:"unscheduled (the patient turned up) or scheduled (the patient had an appointment). By default the one that you have the right to; unscheduled if both."`
	Encounter  string   `placeholder:"ID" help:"Your own identifier of the attendance or appointment."`
	Setting    string   `placeholder:"PLACE" help:"Where the patient is met, such as emergency_department."`
	Purpose    string   `enum:",direct_care,emergency_care,safeguarding" default:"" placeholder:"PURPOSE" help:"direct_care, emergency_care or safeguarding."`
	BreakGlass string   `placeholder:"REASON" help:"Look although you have no right to, and say why. The local authority is told, and your privacy officer reviews it."`
	Grounds    string   `name:"break-glass-grounds" enum:",emergency,cover,right_missing,concern,other" default:"" placeholder:"WORD" help:"With --break-glass, the reason as a word: emergency, cover (you stand in for somebody), right_missing (you should have the right), concern (about somebody whom you do not treat) or other."`
	Person     someone  `embed:"" prefix:"responsible-" group:"The person you act for (systems must give it)"`
	Lead       someone  `embed:"" prefix:"lead-" group:"Safeguarding lead (NHS 111 must give it)"`
	JSON       bool     `name:"json" help:"Print the answer as JSON."`
}

// someone is a person whom a request names.
type someone struct {
	Name  string `help:"Name of the person."`
	Role  string `help:"Job role."`
	Phone string `help:"Telephone number."`
}

// Help says what the statuses mean.
func (lookupCmd) Help() string {
	return `Exit status: 10 a flag is held, 11 no flag is known, 12 the service cannot say, 1 there was no answer, ` +
		`2 the command line is wrong. 0 is not an answer. Every look-up is recorded in the audit log.`
}

// Run asks and prints the answer.
func (c *lookupCmd) Run(ctx context.Context, w *world) error {
	request, err := c.request(w.stdin)
	if err != nil {
		return err
	}
	service, err := c.dial(ctx)
	if err != nil {
		return err
	}
	answer, err := service.lookups.LookUp(ctx, request)
	if err != nil {
		return fmt.Errorf("%w\nThere is no answer. That does not mean that there is no flag: "+
			"ask again, or ring the local authority", &refusedError{err})
	}
	status, known := statuses[answer.GetAnswer()]
	if !known {
		return errors.New("the service gave an answer that this program does not know; get a newer one, and ring the local authority meanwhile")
	}
	if err := c.print(w.stdout, answer); err != nil {
		return err
	}
	return status
}

// statuses are the exit statuses of the answers.
var statuses = map[cpisv1.Answer]exitError{
	cpisv1.Answer_ANSWER_FLAG_HELD:     exitFlagHeld,
	cpisv1.Answer_ANSWER_NO_FLAG_KNOWN: exitNoFlagKnown,
	cpisv1.Answer_ANSWER_CANNOT_SAY:    exitCannotSay,
}

func (c *lookupCmd) print(out io.Writer, answer *cpisv1.LookUpResponse) error {
	if !c.JSON {
		return printAnswer(out, answer)
	}
	answer.Padding = nil // says nothing
	return printJSON(out, answer)
}

// request makes the question from the flags.
func (c *lookupCmd) request(stdin io.Reader) (*cpisv1.LookUpRequest, error) {
	number, born := strings.Join(c.Number, " "), c.DOB
	if number == "-" {
		var err error
		if number, born, err = readPerson(stdin, born); err != nil {
			return nil, err
		}
	}
	born, err := dayText(born)
	if err != nil {
		return nil, fmt.Errorf("the date of birth %w", err)
	}
	setting, err := parseSetting(c.Setting)
	if err != nil {
		return nil, err
	}
	return &cpisv1.LookUpRequest{
		NhsNumber:         number,
		DateOfBirth:       born,
		AccessMode:        cpisv1.AccessMode(cpisv1.AccessMode_value["ACCESS_MODE_"+strings.ToUpper(c.Mode)]),
		Encounter:         &cpisv1.Encounter{Id: c.Encounter, Setting: setting},
		Purpose:           cpisv1.Purpose(cpisv1.Purpose_value["PURPOSE_"+strings.ToUpper(c.Purpose)]),
		ResponsiblePerson: c.Person.toProto(),
		SafeguardingLead:  c.Lead.toProto(),
		BreakGlassReason:  c.BreakGlass,
		BreakGlassGrounds: cpisv1.BreakGlassGrounds(cpisv1.BreakGlassGrounds_value["BREAK_GLASS_GROUNDS_"+strings.ToUpper(c.Grounds)]),
	}, nil
}

// readPerson reads an NHS number and, if there is a second line, a date of
// birth.
func readPerson(stdin io.Reader, born string) (string, string, error) {
	lines := bufio.NewScanner(io.LimitReader(stdin, 4096))
	if !lines.Scan() {
		return "", "", errors.New("standard input holds no NHS number")
	}
	number := strings.TrimSpace(lines.Text())
	if lines.Scan() && strings.TrimSpace(lines.Text()) != "" {
		born = strings.TrimSpace(lines.Text())
	}
	if err := lines.Err(); err != nil {
		return "", "", fmt.Errorf("reading standard input: %w", err)
	}
	return number, born, nil
}

const settingPrefix = "SETTING_"

func parseSetting(text string) (cpisv1.Setting, error) {
	if text == "" {
		return cpisv1.Setting_SETTING_UNSPECIFIED, nil
	}
	if v, ok := cpisv1.Setting_value[settingPrefix+strings.ToUpper(text)]; ok && v != 0 {
		return cpisv1.Setting(v), nil
	}
	var names []string
	for _, v := range slices.Sorted(maps.Keys(cpisv1.Setting_name))[1:] {
		names = append(names, strings.ToLower(strings.TrimPrefix(cpisv1.Setting_name[v], settingPrefix)))
	}
	return 0, fmt.Errorf("--setting must be one of %s", strings.Join(names, ", "))
}

func (s someone) toProto() *cpisv1.Responsible {
	if s == (someone{}) {
		return nil
	}
	return &cpisv1.Responsible{Name: s.Name, Role: s.Role, Phone: s.Phone}
}
