package main

import (
	"fmt"
	"time"

	"cpis/service/domain"
	"cpis/service/faces"
	"cpis/service/rpc"
	"cpis/service/web"
	"cpis/service/web/frame"
)

// pages creates the listener for people.
func (s *server) pages() (rpc.Listener, error) {
	pages, err := web.New(web.Config{
		Config: frame.Config{
			URL: s.cfg.PagesURL, People: s.idents, Names: s.names, Sessions: s.service.Sessions,
			Hub: domain.Hub{Name: s.cfg.HubName, Phone: s.cfg.HubPhone}, MaxFile: s.cfg.UploadMax,
			Now: time.Now, Log: s.log, From: s.cfg.Sources.Of, Strangers: s.service.Strangers.Met,
		},
		UseCases: faces.Web(s.service),
	})
	if err != nil {
		return rpc.Listener{}, fmt.Errorf("CPIS_PAGES_URL and CPIS_ISSUERS: %w", err)
	}
	if len(s.idents.LogIns()) == 0 {
		s.log.Warn().Msg("no issuer of CPIS_ISSUERS has pages: nobody can log in to them")
	}
	listener, err := s.listenAt("CPIS_PAGES_LISTEN", s.cfg.PagesListen, pages, rpc.TLSFiles{Certificate: s.cfg.TLSCert, Key: s.cfg.TLSKey})
	if err == nil {
		s.log.Info().Str("address", listener.Listen.Addr().String()).Msg("serving pages")
	}
	return listener, err
}
