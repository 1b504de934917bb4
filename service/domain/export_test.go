package domain

// CheckRegistration says what is wrong with a registration on its face.
func CheckRegistration(r *Registration, today Date) []Violation {
	_, v := r.Read(RequestForms, today)
	return v
}
