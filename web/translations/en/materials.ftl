# The page of ad materials. Every key is in every language; a test compares them.

## Why a line is not shown: its material
not-running-no-material = No ad material has been submitted.
not-running-material-in-review = Its material is with a moderator.
not-running-material-rejected = Its material was rejected.
not-running-material-withdrawn = The approval of its material was withdrawn.
not-running-documents-required = Copies of licences or certificates are waited for.
not-running-documents-overdue = Copies of licences or certificates did not come in time.
not-running-licence-expired = A licence or certificate has expired.
not-running-licence-revoked = A licence or certificate was revoked.
not-running-awaiting-amendment = It waits for the amendment with the revised price of a second advertised subject.
not-running-material-not-live-yet = Its material came late: the material’s first day is still to come.
not-running-force-majeure = Service is interrupted by force majeure.

## Materials
materials-link = Materials and documents
materials-due = Handed in by the end of { $day }, a material lets the line start in time; a late one moves the term.
materials-change-from = A new version handed in today would run from { $day }; the old one runs until then, and the term is not extended.
materials-change-too-late = A new version handed in today could not run within the line’s term any more.
materials-form-first = Hand in a material
materials-form-change = Hand in a new version
materials-bytes-max = at most { $bytes } bytes
materials-chars-max = at most { $chars } characters
materials-field-title = Title
materials-field-title-hint = What is read in place of the image, or the headline of the text; at most 120 characters.
materials-field-body = Text
materials-field-body-hint = In the state language; a translation must not be larger than it.
materials-field-url = Link
materials-field-url-hint = It begins with https://
materials-field-file = Image file
materials-field-file-hint = PNG, JPEG, GIF or WebP, not animated.
materials-submit = Send to moderation
materials-responsibility = Approval does not shift responsibility: the customer answers for the material’s content, its lawfulness and the rights of third parties.
materials-papers-due = Hand in copies of the documents asked for by the end of { $day }; after that the material is not shown.
materials-awaiting-amendment = The material advertises a second subject. It is shown after the operator’s written consent and an amendment with the revised price.

## Licences and certificates
licences-title = Licences and certificates
licences-none = No documents have been handed in.
licence-until = valid through
licence-replaced = Replaced by a newer one
licence-revoked = Revoked
licence-expired = Expired
licence-report-revoked = Report as revoked
licence-attach = Hand in a copy of a document
licence-field-kind = Kind of document
licence-field-number = Number
licence-field-issuer = Issued by
licence-field-issued = Date of issue (if any)
licence-field-expires = Last day of validity
licence-field-replaces = In place of which document
licence-replaces-none = Of none
licence-field-file = The copy: PDF, JPEG or PNG
licence-kind-licence = Licence
licence-kind-certificate = Certificate
licence-kind-permit = Permit
licence-kind-declaration = Declaration of conformity
licence-kind-consent = Consent
licence-kind-other = Another document

## What is refused
material-refused-missing = Fill in this field.
material-refused-too-long = Too long: at most { $limit }.
material-refused-control-character = The text has a control character.
material-refused-bad-target-url = Enter a full link that begins with https://
material-refused-file-of-another-type = The file is of another type. Taken are: { $limit }.
material-refused-active-content = The file contains a script or other active content.
material-refused-data-after-image = There is other data after the end of the image.
material-refused-image-is-animated = The image is animated; a still one is needed.
material-refused-file-is-broken = The file is broken or incomplete.
material-refused-file-too-heavy = The file is too heavy: at most { $limit }.
material-refused-image-of-wrong-size = The image has the wrong size, due is: { $limit }.
material-refused-file-missing = Choose a file.
material-refused-file-not-expected = This material has no file.
material-refused-body-missing = Enter the text.
material-refused-body-not-expected = This material has no text.
material-refused-material-of-another-kind = The line’s places show another kind of material: { $limit }.
material-refused-line-takes-no-material = This line takes no material.
material-refused-order-blank-not-in-force = The order blank is not in force.
material-refused-line-over = The line is over.
material-refused-material-too-late = The new version could not run before the line’s last day ({ $limit }).
material-refused-too-many-versions = The line has the most versions already: { $limit }.
material-refused-material-closed = This version is closed. Hand in a new one together with its documents.
material-refused-document-expired = The document has expired.
material-refused-expiry-out-of-range = The last day can’t be after { $limit }.
material-refused-issue-date-out-of-range = The date of issue can’t be after today or after the last day.
material-refused-document-lasts-no-longer = The new document must last longer than the old one ({ $limit }).
material-refused-no-document-to-replace = The document to be replaced isn’t there, or another has taken its place.
material-refused-too-many-documents = The material has the most documents already: { $limit }.
material-refused-document-already-revoked = The document was reported as revoked before.
material-refused-document-replaced = Another document has taken its place.

## Shown once, and the history of a line
flash-material-submitted = The material is submitted and with a moderator.
flash-document-attached = The document is handed in.
flash-document-revoked = Reported. The material stops within seconds.
change-document-attached = Document handed in
change-document-revoked = Document reported as revoked
change-documents-overdue = Documents overdue
change-licence-expired = Licence or certificate expired
change-second-subject-flagged = Second advertised subject found
change-second-subject-cleared = Second subject consented to
