package words

import "cpis/service/domain"

// Setting names a kind of place.
func (w *Words) Setting(s domain.Setting) string {
	named := map[domain.Setting]string{
		domain.EmergencyDepartment: w.Settings.EmergencyDepartment, domain.UrgentCare: w.Settings.UrgentCare, domain.OutOfHours: w.Settings.OutOfHours,
		domain.Ambulance: w.Settings.Ambulance, domain.NHS111: w.Settings.NHS111, domain.Maternity: w.Settings.Maternity,
		domain.PaediatricWard: w.Settings.PaediatricWard, domain.GeneralPractice: w.Settings.GeneralPractice, domain.Community: w.Settings.Community,
		domain.MentalHealth: w.Settings.MentalHealth, domain.Dental: w.Settings.Dental, domain.SexualHealth: w.Settings.SexualHealth,
		domain.Outpatient: w.Settings.Outpatient,
	}
	if text := named[s]; text != "" {
		return text
	}
	return w.Settings.NotKnown
}
