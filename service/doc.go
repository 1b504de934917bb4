// Package service puts the parts together. The use cases are in the packages
// beneath it, one room for each subject:
//
//	lookup     one question, one answer
//	plan       what an authority does with one plan
//	person     what is done about a person as a whole
//	upload     files of plans
//	notice     what authorities are told
//	deliver    notices sent on
//	directory  who takes part, and whom to ring
//	auditlog   keeping the log
//
// They stand on guard, the one way in, on record, what is held about people, and
// on domain, the words. None of them knows HTTP or Connect, SQL or Vault; every
// face of the program calls the same methods, so authorisation and the log
// cannot differ between them.
package service
