// Package words is what pages say, in each language: texts with blanks to fill,
// and dates, times and numbers as the NHS and the Welsh Government write them.
//
// Words has a field for each text, and en.json and cy.json the texts, under the
// same names. So a misspelt name does not compile, and a text with two blanks
// cannot be filled with one. When a program first asks for words, all files are
// compared with the struct: a text that is missing, unknown or has other blanks
// is an error then, and never something that a reader sees.
//
// English is complete. Another language has whole sections or none: a page whose
// sections are not all there is not offered in it (see [Offers]). The Welsh here
// was not written by a professional translator, and must be confirmed by one
// before anybody relies on it.
//
// Style: NHS content style. Say call, log in, you; not ring, sign in, user.
// No word that blames or begs. Tests know the list.
package words
