package faces

import (
	"cpis/service"
	"cpis/service/web"
	"cpis/service/web/administrator"
	"cpis/service/web/auditor"
	"cpis/service/web/clinician"
	"cpis/service/web/files"
	"cpis/service/web/lead"
	"cpis/service/web/plans"
)

// Web returns what pages show.
func Web(s *service.Service) web.UseCases {
	return web.UseCases{
		Lead:      lead.UseCases{Work: s.Work, Plans: s.Plans, Notices: s.Notices, Contacts: s.Contacts, Channels: s.Channels},
		Files:     files.UseCases{Uploads: s.Uploads},
		Auditor:   auditor.UseCases{Reports: s.Reports, Exports: s.Exports, Reviews: s.Reports, Proofs: s.Proofs},
		Plans:     plans.UseCases{Plans: s.Plans, Persons: s.Persons},
		Clinician: clinician.UseCases{LookUps: s.LookUps, Encounters: s.Notices},

		Administrator: administrator.UseCases{Policy: s.Installation, Status: s.Installation, Clients: s.Installation},
	}
}
