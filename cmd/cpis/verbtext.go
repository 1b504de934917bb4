package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"cpis/service/planfile"
	"cpis/service/reference"
)

// texts read what people write in fields of the contract, which are texts of
// one form there. What is not here is taken as it stands.
var texts = map[protoreflect.FullName]func(string) (string, error){
	"cpis.v1.ProposeTransferRequest.to": authorityCode,

	"cpis.v1.Person.date_of_birth":                         dayText,
	"cpis.v1.LookUpRequest.date_of_birth":                  dayText,
	"cpis.v1.AmendPlanRequest.date_of_birth":               dayText,
	"cpis.v1.ReplaceNHSNumberRequest.date_of_birth":        dayText,
	"cpis.v1.ReportMissedAppointmentRequest.date_of_birth": dayText,
	"cpis.v1.RecordBirthRequest.born":                      dayText,
	"cpis.v1.RegisterPlanRequest.start":                    dayText,
	"cpis.v1.RegisterPlanRequest.end":                      dayText,
	"cpis.v1.RegisterPlanRequest.expected":                 dayText,
	"cpis.v1.AmendPlanRequest.start":                       dayText,
	"cpis.v1.AmendPlanRequest.end":                         dayText,
	"cpis.v1.AmendPlanRequest.expected":                    dayText,
	"cpis.v1.EndPlanRequest.end":                           dayText,
	"cpis.v1.ChildPlan.start":                              dayText,
}

// dayText reads a day in the forms that files may have.
func dayText(text string) (string, error) {
	day, problem := planfile.ParseDay(strings.TrimSpace(text))
	if problem != "" {
		return "", errors.New(problem)
	}
	return day, nil
}

// authorityCode returns the GSS code of a local authority that is given by that
// code, by its DfE number or by its name. A code that this program does not know
// is taken as it is: the service may know it.
func authorityCode(text string) (string, error) {
	known, err := reference.Authorities()
	if err != nil {
		return "", fmt.Errorf("reading the register of authorities: %w", err)
	}
	text = strings.TrimSpace(text)
	if len(text) == len("E09000007") && strings.ContainsAny(text[:1], "Ee") && strings.Trim(text[1:], "0123456789") == "" {
		return strings.ToUpper(text), nil
	}
	var near []reference.Authority
	for _, a := range known {
		switch name := strings.ToLower(a.Name); {
		case a.DfE == text, name == strings.ToLower(text):
			return a.GSS, nil
		case text != "" && strings.Contains(name, strings.ToLower(text)):
			near = append(near, a)
		}
	}
	return oneOf(near)
}

// oneOf returns the code of the one authority that fits a name.
func oneOf(near []reference.Authority) (string, error) {
	const shown = 8
	switch {
	case len(near) == 1:
		return near[0].GSS, nil
	case len(near) == 0 || len(near) > shown:
		return "", errors.New(`must be a local authority: its name, such as Camden, or its GSS code, such as E09000007; "cpis authority list" shows all`)
	}
	var names []string
	for _, a := range near {
		names = append(names, a.Name+" ("+a.GSS+")")
	}
	slices.Sort(names)
	return "", fmt.Errorf("fits several local authorities: %s", strings.Join(names, ", "))
}
