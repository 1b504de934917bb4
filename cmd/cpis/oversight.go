package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	cpisv1 "cpis/proto/cpis/v1"
)

const oversightService = "OversightService"

// oversightVerbs are what those do who watch over accesses, besides asking for
// reports.
var oversightVerbs = []verb{
	{
		name: "reviews", method: "ListReviews", service: oversightService,
		help:    "List look-ups that wait for review: by break-glass, of restricted people, and a sample of all others.",
		columns: "review_id kind at organisation state due overdue closed_at outcome",
	},
	{
		name: "review", method: "GetReview", service: oversightService,
		help: "Show what a review is about: who looked, why a right was claimed by break-glass, and how the review was closed.",
	},
	{
		name: "close-review", method: "CloseReview", service: oversightService,
		help: "Say what was found of a look-up. Nobody closes the review of their own look. Misuse needs a second privacy officer, who does the same.",
	},
	{
		name: "subject-access", method: "GetSubjectAccess", service: oversightService, text: "letter",
		help: "Write a letter that tells who looked at a record, in plain words.",
	},
	{
		name: "release", method: "ProposeRelease", service: oversightService,
		help: "Ask another privacy officer to let it be told who looked at a restricted child.",
	},
	{
		name: "decide-release", method: "DecideRelease", service: oversightService,
		help: "Accept, decline or withdraw a release. One that is accepted counts for 30 days.",
	},
	{
		name: "releases", method: "ListReleases", service: oversightService,
		help:    "List the releases of your organisation.",
		columns: "release_id state nhs_number proposed.at proposed.actor proposed.reason decided.at decided.actor until",
	},
	{
		name: "board", method: "GetBoardSummary", service: oversightService, text: "text",
		help: "Write the numbers of a quarter for a board: look-ups, flags found, notices, and how soon they were acknowledged. Counts under 5 are hidden.",
	},
	{
		name: "digest", method: "GetDigest", service: oversightService, text: "note",
		help: "Print what an organisation did in a week: numbers, what stands out, and reviews that nobody has closed. It is signed by the log's key.",
	},
}

// printText prints one field of an answer as it is: it was made for people.
func printText(out io.Writer, answer proto.Message, name protoreflect.Name) error {
	if a, ok := answer.(*cpisv1.GetSubjectAccessResponse); ok && a.GetNeedsRelease() {
		return errors.New("the child is restricted or was, so nothing may be told. If it harms nobody, two privacy officers can release it: cpis report release")
	}
	for line := range strings.Lines(textIn(answer, name)) {
		if _, err := fmt.Fprintln(out, printable(strings.TrimSuffix(line, "\n"))); err != nil {
			return err
		}
	}
	return nil
}
