package rpc

import "cpis/proto/cpis/v1/cpisv1connect"

// Encounters are the use cases behind EncounterService.
type Encounters interface{}

// encounterHandler is EncounterService.
type encounterHandler struct {
	cpisv1connect.UnimplementedEncounterServiceHandler
	uses Encounters
}
