package rpc

import "cpis/proto/cpis/v1/cpisv1connect"

// Contacts are the use cases behind ContactService.
type Contacts interface{}

// contactHandler is ContactService.
type contactHandler struct {
	cpisv1connect.UnimplementedContactServiceHandler
	uses Contacts
}
