package acceptance_test

import (
	"fmt"
	"io"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
)

// administer does what administrators do: as those who may, as those who may not, and
// with what is personal in the wrong places.
func (s *site) administer(p protocol, errs io.Writer) {
	s.tb.Helper()
	ctx := s.tb.Context()
	for _, person := range []string{"administrator", "nurse"} {
		office := cpisv1connect.NewAdminServiceClient(s.connection(p, s.token(person)))
		_, err := office.GetPolicy(ctx, &cpisv1.GetPolicyRequest{})
		_, failed := office.ExplainPolicy(ctx, &cpisv1.ExplainPolicyRequest{Role: "auditor", Class: "oversight", Action: "read_log"})
		if person == "administrator" {
			must(s.tb, err)
			must(s.tb, failed)
			_, err = office.GetStatus(ctx, &cpisv1.GetStatusRequest{})
			must(s.tb, err)
			_, err = office.ListFailingChannels(ctx, &cpisv1.ListFailingChannelsRequest{})
			must(s.tb, err)
			_, err = office.ListClients(ctx, &cpisv1.ListClientsRequest{})
			must(s.tb, err)
		}
		_, _ = fmt.Fprintln(errs, told(err), told(failed))
		for _, c := range everybody() {
			_, err = office.GetPolicy(ctx, &cpisv1.GetPolicyRequest{Role: c.family})
			_, failed = office.ExplainPolicy(ctx, &cpisv1.ExplainPolicyRequest{Role: c.family, Class: c.given, Action: c.number})
			_, _ = fmt.Fprintln(errs, told(err), told(failed))
			_, err = office.ExplainPolicy(ctx, &cpisv1.ExplainPolicyRequest{Role: "auditor", Organisation: c.number, Action: "read_log"})
			_, _ = fmt.Fprintln(errs, told(err))
		}
	}
}
