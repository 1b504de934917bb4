package store

import (
	"github.com/google/uuid"
)

// The store is cut by subject. Each has a type with what can be read, on its own
// or in a transaction, and one with what can be written as well, which only a
// transaction has. They hold nothing of their own: all subjects of a transaction
// share one.

// reads are the subjects as a database has them.
type reads struct {
	People      personReads     // people: found, locked, written
	Tags        tagReads        // what makes people findable
	Plans       planReads       // plans, with their versions, and the flags that they make
	Transfers   transferReads   // plans that one authority offers to another
	Proposals   proposalReads   // changes that need a second person
	Notices     noticeReads     // what authorities are told, and what they did
	Accesses    accessReads     // who asked about whom
	Channels    channelReads    // ways on which notices are sent on
	Deliveries  deliveryReads   // notices on channels
	Colleagues  colleagueReads  // to whom notices can be given
	Directory   directoryReads  // authorities, with whom to ring, and organisations
	Uploads     uploadReads     // files of plans, and the rules for them
	Files       fileReads       // what files hold, and what was said about their rows
	Reviews     reviewReads     // look-ups that privacy officers look at
	Logs        logReads        // audit logs, with their entries
	Checkpoints checkpointReads // what was signed of a log
	Tiles       tileReads       // hashes of a log
	Claims      claimReads      // for which database a log is written
	Keys        keyReads        // wrapped keys
	MACs        macReads        // MACs of rows, all of them at once
	Answers     answerReads     // answers to requests that may be repeated
	Index       indexReads      // what reports ask by of entries
	Reports     reportReads     // what was asked of the log, and why
	Releases    releaseReads    // what may be told of restricted children
	Digests     digestReads     // what organisations did in a week
	Exports     exportReads     // reports as files
	Sessions    sessionReads    // log-ins of people to pages
	Drafts      draftReads      // what they have typed and not sent yet
}

func newReads(q queries) reads {
	return reads{
		People:      personReads{q},
		Tags:        tagReads{q},
		Plans:       planReads{q},
		Transfers:   transferReads{q},
		Proposals:   proposalReads{q},
		Notices:     noticeReads{q},
		Accesses:    accessReads{q},
		Channels:    channelReads{q},
		Deliveries:  deliveryReads{q},
		Colleagues:  colleagueReads{q},
		Directory:   directoryReads{q},
		Uploads:     uploadReads{q},
		Files:       fileReads{q},
		Reviews:     reviewReads{q},
		Logs:        logReads{q},
		Checkpoints: checkpointReads{q},
		Tiles:       tileReads{q},
		Claims:      claimReads{q},
		Keys:        keyReads{q},
		MACs:        macReads{q},
		Answers:     answerReads{q},
		Index:       indexReads{q},
		Reports:     reportReads{q},
		Releases:    releaseReads{q},
		Digests:     digestReads{q},
		Exports:     exportReads{q},
		Sessions:    sessionReads{q},
		Drafts:      draftReads{q},
	}
}

// Tx is a transaction, subject by subject. It reads what is committed when each
// statement begins, and is used by one goroutine at a time.
type Tx struct {
	*work

	People      personWrites     // people: found, locked, written
	Tags        tagWrites        // what makes people findable
	Plans       planWrites       // plans, with their versions, and the flags that they make
	Transfers   transferWrites   // plans that one authority offers to another
	Proposals   proposalWrites   // changes that need a second person
	Notices     noticeWrites     // what authorities are told, and what they did
	Accesses    accessWrites     // who asked about whom
	Channels    channelWrites    // ways on which notices are sent on
	Deliveries  deliveryWrites   // notices on channels
	Colleagues  colleagueWrites  // to whom notices can be given
	Directory   directoryWrites  // authorities, with whom to ring, and organisations
	Uploads     uploadWrites     // files of plans, and the rules for them
	Files       fileWrites       // what files hold, and what was said about their rows
	Reviews     reviewWrites     // look-ups that privacy officers look at
	Logs        logWrites        // audit logs, with their entries
	Checkpoints checkpointWrites // what was signed of a log
	Tiles       tileWrites       // hashes of a log
	Claims      claimWrites      // for which database a log is written
	Keys        keyWrites        // wrapped keys
	MACs        macWrites        // MACs of rows, all of them at once
	Answers     answerWrites     // answers to requests that may be repeated
	Index       indexWrites      // what reports ask by of entries
	Reports     reportWrites     // what was asked of the log, and why
	Releases    releaseWrites    // what may be told of restricted children
	Digests     digestWrites     // what organisations did in a week
	Exports     exportWrites     // reports as files
	Sessions    sessionWrites    // log-ins of people to pages
	Drafts      draftWrites      // what they have typed and not sent yet
}

func newTx(w *work) *Tx {
	r := newReads(queries{w.q, w.guard})
	w.tx = &Tx{
		work: w,

		People:      personWrites{r.People, w},
		Tags:        tagWrites{r.Tags, w},
		Plans:       planWrites{r.Plans, w},
		Transfers:   transferWrites{r.Transfers, w},
		Proposals:   proposalWrites{r.Proposals, w},
		Notices:     noticeWrites{r.Notices, w},
		Accesses:    accessWrites{r.Accesses, w},
		Channels:    channelWrites{r.Channels, w},
		Deliveries:  deliveryWrites{r.Deliveries, w},
		Colleagues:  colleagueWrites{r.Colleagues, w},
		Directory:   directoryWrites{r.Directory, w},
		Uploads:     uploadWrites{r.Uploads, w},
		Files:       fileWrites{r.Files, w},
		Reviews:     reviewWrites{r.Reviews, w},
		Logs:        logWrites{r.Logs, w},
		Checkpoints: checkpointWrites{r.Checkpoints, w},
		Tiles:       tileWrites{r.Tiles, w},
		Claims:      claimWrites{r.Claims, w},
		Keys:        keyWrites{r.Keys, w},
		MACs:        macWrites{r.MACs, w},
		Answers:     answerWrites{r.Answers, w},
		Index:       indexWrites{r.Index, w},
		Reports:     reportWrites{r.Reports, w},
		Releases:    releaseWrites{r.Releases, w},
		Digests:     digestWrites{r.Digests, w},
		Exports:     exportWrites{r.Exports, w},
		Sessions:    sessionWrites{r.Sessions, w},
		Drafts:      draftWrites{r.Drafts, w},
	}
	return w.tx
}

// work is a transaction under way, which its subjects share.
type work struct {
	tx    *Tx // all its subjects
	q     querier
	guard *guard // nil: no row verifies

	change   uuid.UUID // names the change in all versions that are made
	changed  bool      // versions were made
	appended bool      // entries were appended: others wait for this transaction
	notifies bool      // notices are written with the entries, none though they may be
	order    *appendOrder
	leave    func() // ends the turn, once it has one
	patient  bool   // it waits for others as long as its context allows
	notices  []NoticeRow
}

type (
	personReads     struct{ queries }
	tagReads        struct{ queries }
	planReads       struct{ queries }
	transferReads   struct{ queries }
	proposalReads   struct{ queries }
	noticeReads     struct{ queries }
	accessReads     struct{ queries }
	channelReads    struct{ queries }
	deliveryReads   struct{ queries }
	colleagueReads  struct{ queries }
	directoryReads  struct{ queries }
	uploadReads     struct{ queries }
	fileReads       struct{ queries }
	reviewReads     struct{ queries }
	logReads        struct{ queries }
	checkpointReads struct{ queries }
	tileReads       struct{ queries }
	claimReads      struct{ queries }
	keyReads        struct{ queries }
	macReads        struct{ queries }
	answerReads     struct{ queries }
	indexReads      struct{ queries }
	reportReads     struct{ queries }
	releaseReads    struct{ queries }
	digestReads     struct{ queries }
	exportReads     struct{ queries }
	sessionReads    struct{ queries }
	draftReads      struct{ queries }
)

type (
	personWrites struct {
		personReads
		*work
	}
	tagWrites struct {
		tagReads
		*work
	}
	planWrites struct {
		planReads
		*work
	}
	transferWrites struct {
		transferReads
		*work
	}
	proposalWrites struct {
		proposalReads
		*work
	}
	noticeWrites struct {
		noticeReads
		*work
	}
	accessWrites struct {
		accessReads
		*work
	}
	channelWrites struct {
		channelReads
		*work
	}
	deliveryWrites struct {
		deliveryReads
		*work
	}
	colleagueWrites struct {
		colleagueReads
		*work
	}
	directoryWrites struct {
		directoryReads
		*work
	}
	uploadWrites struct {
		uploadReads
		*work
	}
	fileWrites struct {
		fileReads
		*work
	}
	reviewWrites struct {
		reviewReads
		*work
	}
	logWrites struct {
		logReads
		*work
	}
	checkpointWrites struct {
		checkpointReads
		*work
	}
	tileWrites struct {
		tileReads
		*work
	}
	claimWrites struct {
		claimReads
		*work
	}
	keyWrites struct {
		keyReads
		*work
	}
	macWrites struct {
		macReads
		*work
	}
	answerWrites struct {
		answerReads
		*work
	}
	indexWrites struct {
		indexReads
		*work
	}
	reportWrites struct {
		reportReads
		*work
	}
	releaseWrites struct {
		releaseReads
		*work
	}
	digestWrites struct {
		digestReads
		*work
	}
	exportWrites struct {
		exportReads
		*work
	}
	sessionWrites struct {
		sessionReads
		*work
	}
	draftWrites struct {
		draftReads
		*work
	}
)
