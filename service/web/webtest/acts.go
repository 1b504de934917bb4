package webtest

import (
	"cpis/service/domain"
	"cpis/service/servicetest"
)

// Notice has a child seen in the emergency department, and returns the notice.
func (s *Site) Notice() string {
	s.TB.Helper()
	s.MustRegister(servicetest.Lead, servicetest.RightCPP())
	s.MustLookUp(servicetest.Nurse, servicetest.Attended("ED-1"))
	rows, err := s.DB.Notices.Newest(s.TB.Context(), servicetest.Islington, 1)
	s.Must(err)
	return rows[0].ID.String()
}

// Review has a GP look by break-glass, and returns the review.
func (s *Site) Review() string {
	s.TB.Helper()
	gp := *servicetest.Gp
	gp.Organisation = "F83004"
	q := servicetest.Attended("GP-1")
	q.BreakGlass, q.Grounds = "collapsed in <script>the waiting room", domain.Emergency
	s.MustLookUp(&gp, q)
	s.Must(s.Index.Follow(s.TB.Context()))
	return s.LastOf("look_up").Review.ID
}

// CatchUp brings the index of reports up to the log.
func (s *Site) CatchUp() {
	s.TB.Helper()
	s.Must(s.Index.Follow(s.TB.Context()))
}

// Register registers a plan of the person that tests look up.
func (s *Site) Register(change func(*domain.Registration)) {
	s.TB.Helper()
	r := servicetest.RightCPP()
	change(r)
	s.MustRegister(servicetest.Lead, r)
}
