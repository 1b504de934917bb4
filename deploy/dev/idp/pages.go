package idp

import "cpis/service/identity"

// pagesPath is the provider's name in the addresses of pages.
const pagesPath = "demonstration"

// pagesClientID is the pages as this provider knows them.
const pagesClientID = "cpis-pages"

// PagesClient returns the pages as an application of this provider, at their address
// and with a secret, and how people log in to them here; the file holds the secret.
func PagesClient(pages, secret, file string) (Application, *identity.Pages) {
	app := Application{
		ID: pagesClientID, Secret: secret, RedirectURIs: []string{pages + "/log-in/" + pagesPath + "/back"},
		PostLogoutRedirectURIs: []string{pages + "/logged-out"}, BackChannelLogoutURI: pages + "/log-out/" + pagesPath,
	}
	return app, &identity.Pages{
		Path: pagesPath, Name: "the demonstration's identity provider", Client: pagesClientID, SecretFile: file,
		Scopes: scopes[:], StrongerACR: "AAL3_ANY", Help: "In the demonstration, log in as somebody else.",
	}
}
