package rpc

import (
	"context"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/notice"
)

func (h *noticeHandler) GetFigures(ctx context.Context, m *cpisv1.GetFiguresRequest) (*cpisv1.GetFiguresResponse, error) {
	return relay(ctx, m, figuresFromProto, h.uses.GetFigures, figuresToProto)
}

func figuresFromProto(m *cpisv1.GetFiguresRequest, request string) *notice.FiguresRequest {
	return &notice.FiguresRequest{Weeks: int(m.GetWeeks()), Request: request}
}

func figuresToProto(f *notice.Figures) *cpisv1.GetFiguresResponse {
	out := &cpisv1.GetFiguresResponse{
		From: f.From.String(), Until: f.Until.String(),
		Weeks: each(f.Weeks, figuresWeekToProto), Answered: answeredToProto(&f.Answered), Receipt: receiptToProto(&f.Receipt),
	}
	for _, s := range f.Settings {
		out.Settings = append(out.Settings, toEnum[cpisv1.Setting](settings, s))
	}
	return out
}

func figuresWeekToProto(w *notice.FiguresWeek) *cpisv1.FiguresWeek {
	return &cpisv1.FiguresWeek{
		Week: w.Week.String(), All: figureToProto(&w.All), Settings: each(w.Settings, figureToProto), Took: tookToProto(&w.Took),
	}
}

func figureToProto(f *notice.Figure) *cpisv1.Figure {
	if f.Hidden {
		return &cpisv1.Figure{}
	}
	return &cpisv1.Figure{Count: &f.Count}
}

// answeredToProto converts how notices were answered. What is not known stays absent.
func answeredToProto(a *notice.Answered) *cpisv1.Answered {
	if !a.Known {
		return nil
	}
	return &cpisv1.Answered{
		FourHours: count(a.FourHours), WorkingDay: count(a.WorkingDay), ThreeDays: count(a.ThreeDays), Open: count(a.Open), Took: tookToProto(&a.Took),
	}
}

func tookToProto(t *notice.Took) *cpisv1.Took {
	if !t.Known {
		return nil
	}
	out := &cpisv1.Took{}
	if t.Median >= 0 {
		out.MedianHours = &t.Median
	}
	if t.Ninth >= 0 {
		out.NinthHours = &t.Ninth
	}
	return out
}
