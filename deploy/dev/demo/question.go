package demo

import "strings"

// Question is something to ask the service, and what it says.
type Question struct {
	About     string // what is asked, and what to expect
	As        string // who asks, by the identity provider's short name
	Procedure string // of the contract
	Body      string // the request in JSON, on one line
	// Want is the answer, or the code of the refusal, as it stands in JSON.
	Want string
}

const lookUp = "cpis.v1.LookupService/LookUp"

// Questions returns what to try, in the order in which it tells a story.
func Questions() []Question {
	return []Question{
		{
			"A child with a plan comes to the emergency department: FLAG_HELD, and whom to ring now.",
			"nurse", lookUp,
			`{"nhsNumber": "` + Flagged.Spaced() + `", "dateOfBirth": "` + Flagged.DateOfBirth() + `", ` + emergency("ED-1001"),
			"ANSWER_FLAG_HELD",
		},
		{
			"A child without one: NO_FLAG_KNOWN, which is not the absence of risk.",
			"nurse", lookUp,
			`{"nhsNumber": "` + NotHeld.Spaced() + `", ` + emergency("ED-1002"),
			"ANSWER_NO_FLAG_KNOWN",
		},
		{
			"The wrong date of birth: CANNOT_SAY, neither flag nor none.",
			"nurse", lookUp,
			`{"nhsNumber": "` + Flagged.Spaced() + `", "dateOfBirth": "2018-04-30", ` + emergency("ED-1003"),
			"ANSWER_CANNOT_SAY",
		},
		{
			"A GP asks about a patient who was not expected, without the right to: refused, and in the log.",
			"gp", lookUp,
			`{"nhsNumber": "` + Flagged.Spaced() + `", "accessMode": "ACCESS_MODE_UNSCHEDULED"}`,
			"permission_denied",
		},
		{
			"The same with a reason (break-glass): answered; the authority gets a notice, and a privacy officer a review.",
			"gp", lookUp,
			`{"nhsNumber": "` + Flagged.Spaced() + `", "accessMode": "ACCESS_MODE_UNSCHEDULED", ` +
				`"breakGlassReason": "Walked in alone with a head injury"}`,
			"ANSWER_FLAG_HELD",
		},
		{
			"A safeguarding lead sees what the own authority recorded, and looks nobody up.",
			"lead", "cpis.v1.PlanService/GetPerson",
			`{"nhsNumber": "` + Flagged.Spaced() + `"}`,
			Flagged.Family,
		},
		{
			"A child who must not be found: FLAG_HELD, and a number that does not give the authority away.",
			"nurse", lookUp,
			`{"nhsNumber": "` + Restricted.Spaced() + `", ` + emergency("ED-1004"),
			"ANSWER_FLAG_HELD",
		},
		{
			"A mother whose unborn child has a plan. It says nothing about her.",
			"nurse", lookUp,
			`{"nhsNumber": "` + Mother.Spaced() + `", "encounter": {"id": "MAT-17", "setting": "SETTING_MATERNITY"}}`,
			"PLAN_KIND_UCPP",
		},
		{
			"Plans of three authorities, asked by a system on behalf of somebody.",
			"system", lookUp,
			`{"nhsNumber": "` + Several.Spaced() + `", "responsiblePerson": {"name": "Dr P. Lund", "role": "Consultant"}, ` +
				emergency("ED-1005"),
			"Cornwall",
		},
	}
}

// emergency ends a request from the emergency department.
func emergency(encounter string) string {
	return `"encounter": {"id": "` + encounter + `", "setting": "SETTING_EMERGENCY_DEPARTMENT"}}`
}

// Curl returns the question as a curl command to paste into a shell. header is
// the name of a file that holds the header with the token: a command line can
// be read by others on the machine, and it is short so. tr squeezes the blanks
// at the end of answers, which would scroll the answer away.
func (q Question) Curl(address, header string) string {
	return "curl -s " + address + "/" + q.Procedure + " \\\n" +
		"  -H @" + Quote(header) + " -H 'Content-Type: application/json' \\\n" +
		"  -d " + Quote(q.Body) + " | tr -s ' '"
}

// BufCurl returns the question as a buf command that speaks gRPC, with the
// contract in the folder schema.
func (q Question) BufCurl(buf, schema, address, header string) string {
	return buf + " curl --schema " + schema + " --protocol grpc --http2-prior-knowledge \\\n" +
		"  -H @" + Quote(header) + " \\\n" +
		"  -d " + Quote(q.Body) + " \\\n" +
		"  " + address + "/" + q.Procedure
}

// Quote quotes a text for a shell if that is needed.
func Quote(text string) string {
	special := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("./_-:", r)
	}
	if text != "" && !strings.ContainsFunc(text, special) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
