// Package journey is how pages ask for all that one act needs: one question a page,
// then everything to be checked, then the act, then what happens next.
//
// A Journey is a list of questions, and each question a list of fields: where its
// answer lies, and what kind of field it is. That is all a page of plans has to say.
// The rest is here, once:
//
//   - What was answered lies in one sealed draft, which belongs to a person who acts for
//     one organisation. The address has a random id and the name of the question, and
//     nothing that anybody answered.
//   - Whoever asks for a page too early is sent to the first question without an answer,
//     and whoever asks for one too late to the last page: going back does nothing again.
//   - The check page carries the request id of exactly the answers that it shows. Sent
//     twice it is one act; sent after another tab has changed an answer, it is shown
//     again; sent once more after a failure, it finds out what became of the first.
//   - What a room says is wrong stands on the page that asked for it.
package journey

import (
	"embed"
	"io/fs"

	"cpis/service/web/frame"
)

//go:embed template/*.html
var files embed.FS

// Area returns what the pages of all journeys look like. It has no pages of its own.
func Area() frame.Area {
	templates, _ := fs.Sub(files, "template") // is embedded
	return frame.Area{Templates: templates}
}
