package rpc

import (
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/guard"
	"cpis/service/oversight"
)

// The words of reviews in both languages.
var (
	reviewKinds = []oversight.ReviewKind{
		cpisv1.ReviewKind_REVIEW_KIND_UNSPECIFIED: "",
		cpisv1.ReviewKind_REVIEW_KIND_BREAK_GLASS: oversight.OfBreakGlass,
		cpisv1.ReviewKind_REVIEW_KIND_RESTRICTED:  oversight.OfRestricted,
		cpisv1.ReviewKind_REVIEW_KIND_SAMPLE:      oversight.OfSample,
	}
	reviewStates = []oversight.ReviewState{
		cpisv1.ReviewState_REVIEW_STATE_UNSPECIFIED: "",
		cpisv1.ReviewState_REVIEW_STATE_OPEN:        oversight.ReviewOpen,
		cpisv1.ReviewState_REVIEW_STATE_SECOND_LOOK: oversight.ReviewSecond,
		cpisv1.ReviewState_REVIEW_STATE_CLOSED:      oversight.ReviewClosed,
	}
	reviewOutcomes = []oversight.ReviewOutcome{
		cpisv1.ReviewOutcome_REVIEW_OUTCOME_UNSPECIFIED:   "",
		cpisv1.ReviewOutcome_REVIEW_OUTCOME_JUSTIFIED:     oversight.Justified,
		cpisv1.ReviewOutcome_REVIEW_OUTCOME_NOT_JUSTIFIED: oversight.NotJustified,
		cpisv1.ReviewOutcome_REVIEW_OUTCOME_REFERRED:      oversight.Referred,
		cpisv1.ReviewOutcome_REVIEW_OUTCOME_MISUSE:        oversight.Misuse,
	}
)

func listReviewsFromProto(m *cpisv1.ListReviewsRequest, request string) *oversight.ListReviewsRequest {
	return &oversight.ListReviewsRequest{
		Closed: m.GetClosed(), Kind: fromEnum(reviewKinds, m.GetKind()), Organisation: m.GetOrganisation(),
		Paging: guard.Paging{Size: int(m.GetPageSize()), Page: m.GetPage()}, Request: request,
	}
}

func listReviewsToProto(p *oversight.ReviewPage) *cpisv1.ListReviewsResponse {
	return &cpisv1.ListReviewsResponse{Reviews: each(p.Reviews, reviewItemToProto), NextPage: p.Next, Receipt: receiptToProto(&p.Receipt)}
}

func reviewItemToProto(i *oversight.ReviewItem) *cpisv1.ReviewItem {
	return &cpisv1.ReviewItem{
		ReviewId: i.ID, Kind: toEnum[cpisv1.ReviewKind](reviewKinds, i.Kind), At: timeToProto(i.At), Organisation: i.Organisation,
		State: toEnum[cpisv1.ReviewState](reviewStates, i.State), Due: timeToProto(i.Due), Overdue: i.Overdue,
		ClosedAt: timeToProto(i.ClosedAt), Outcome: toEnum[cpisv1.ReviewOutcome](reviewOutcomes, i.Outcome),
	}
}

func getReviewFromProto(m *cpisv1.GetReviewRequest, request string) *oversight.GetReviewRequest {
	return &oversight.GetReviewRequest{
		ReviewID: m.GetReviewId(), Reason: fromEnum(reportReasons, m.GetReason()), Words: m.GetWords(), Request: request,
	}
}

func reviewToProto(r *oversight.Review) *cpisv1.GetReviewResponse {
	i := reviewItemToProto(&r.ReviewItem)
	m := &cpisv1.GetReviewResponse{
		ReviewId: r.ID, Kind: i.GetKind(), At: i.GetAt(), Actor: r.Actor, Organisation: r.Organisation, Claim: r.Claim, Withheld: r.Withheld,
		State: i.GetState(), Due: i.GetDue(), Overdue: r.Overdue, Outcome: i.GetOutcome(),
		Subject: r.Subject, Log: r.Log, Index: r.Index, Receipt: receiptToProto(&r.Receipt),
	}
	if f := r.First; f != nil {
		m.FirstAt, m.FirstBy, m.FirstWords = timeToProto(f.At), f.By, f.Words
	}
	if c := r.Closed; c != nil {
		m.ClosedAt, m.ClosedBy, m.Words = timeToProto(c.At), c.By, c.Words
	}
	return m
}

func closeReviewFromProto(m *cpisv1.CloseReviewRequest, request string) *oversight.CloseReviewRequest {
	return &oversight.CloseReviewRequest{
		ReviewID: m.GetReviewId(), Outcome: fromEnum(reviewOutcomes, m.GetOutcome()), Words: m.GetWords(), Request: request,
	}
}

func closeReviewToProto(r *oversight.CloseReviewResult) *cpisv1.CloseReviewResponse {
	return &cpisv1.CloseReviewResponse{
		Entry: r.At, State: toEnum[cpisv1.ReviewState](reviewStates, r.State), Receipt: receiptToProto(&r.Receipt),
	}
}
