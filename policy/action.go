package policy

import "slices"

// AllActions returns every action.
func AllActions() []Action {
	return []Action{
		LookUp, LookUpMany, ViewRestricted, ReportMissed, ReportWrongPatient,
		RegisterPlan, AmendPlan, EndPlan, RemovePlan, RecordBirth, ProposeTransfer, DecideTransfer,
		ReplaceNumber, ProposeChange, DecideChange, GetPerson, ListPlans, FindPeople, ReadWork,
		UploadPlans, ApproveUpload, ReadUploads, SetUploadRules,
		ReadNotices, AnswerNotice, ListColleagues, ReadFigures, ManageChannels, ReadContacts, SetContacts,
		ReadProof, ReadLog, ExportLog, ReadReports, ExportReport, DownloadExport, ReviewAccess, ReleaseRestricted, SecondRelease, Configure,
		LogIn, ChooseRole, LogOut,
		ExplainPolicy, ReadService,
	}
}

// ParseAction returns the action with the given name.
func ParseAction(name string) (Action, bool) {
	a := Action(name)
	return a, slices.Contains(AllActions(), a)
}

// Modes returns the access modes in which the action is done, the one that
// tells more people first; none for actions that have no mode. Clinic lists
// are of expected patients, so there is no unscheduled look-up of many.
func (a Action) Modes() []Mode {
	if a == LookUp {
		return []Mode{Unscheduled, Scheduled}
	}
	if a == LookUpMany {
		return []Mode{Scheduled}
	}
	return nil
}

// shown returns the mode that a decision about the action carries when mode
// was asked for: never one that does not exist, and none if there are none.
func (a Action) shown(mode Mode) Mode {
	modes := a.Modes()
	switch {
	case len(modes) == 0:
		return Unspecified
	case mode == Unscheduled || mode == Scheduled:
		return mode
	}
	return modes[0]
}
