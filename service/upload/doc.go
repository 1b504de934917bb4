// Package upload takes files of plans: from their arrival over the check and
// somebody's approval to their application in one transaction. It works in the
// background, in short spells, so that look-ups do not notice.
package upload
