# The cabinet's pages in English. Every key is in every language; a test compares them.

## Layout
skip-to-content = Skip to content
choose-language = Language
nav-label = Sections
nav-home = Home
nav-orders = Order blanks
nav-documents = Documents
nav-invoices = Invoices
nav-payments = Payments
sign-out = Sign out
verify-link = Verify a document
demo-link = Demo page
back-to-front = To the front page
cancel-link = Cancel
money-sum = { $sum } UZS
days-word = days

## Pages that aren't shown
refusal-no-cabinet = This account has no personal cabinet
refusal-no-cabinet-more = You are signed in as a member of the operator’s staff. The personal cabinet belongs to customers.
refusal-not-found = There is no such page
refusal-not-found-more = It may have moved, or it belongs to another account.
refusal-role = Your role does not allow this
refusal-role-more = Ask the owner of your organisation’s account, or somebody with the manager’s role.
refusal-stale = This form is too old
refusal-stale-more = Nothing was changed. Go back, reload the page and send the form again.
refusal-bad-form = The form could not be read
refusal-bad-form-more = Nothing was changed. A form may have at most { $limit } bytes and { $n ->
        [one] one field
       *[other] { $n } fields
    }.
refusal-busy = Somebody changed the same thing at this moment
refusal-busy-more = Nothing of yours was changed. Please send the form again.
refusal-failed = Something failed on our side
refusal-failed-more = The failure is recorded. Please try again in a minute.

## Signing in
sign-in-title = Sign in to the cabinet
sign-in-intro = With the login and password that you chose or were given with the order blank.
sign-in-login = Login
sign-in-password = Password
sign-in-button = Sign in
sign-in-wrong = The login or the password is wrong.
sign-in-too-often = Too many attempts. Try again in { $n ->
        [one] { $minutes } minute
       *[other] { $minutes } minutes
    }.
field-needed = Fill in this field.
field-day = Enter a date, for example 30.11.2026.
field-sum = Enter a sum in soʻm with at most two decimal places, for example 150 000,50.

## Shown once
flash-extra-period-set = The extra period is set. The new target is in force within seconds.
flash-extra-period-ended = The extra period is switched off. The line is back to even pacing.
flash-signed-out = You have signed out.

## Home
home-title = Home
home-balance = Balance
home-advance = Advance left
home-receivable = Owed for services
home-penalty = Penalties
home-spent-today = Spent today (net)
home-tasks = What needs doing
home-no-tasks = Nothing: all invoices are paid, all materials are in order, all lines run.
home-lines = Current lines
home-no-lines = No line is in its term. Your operator can make out a new order blank.
task-invoice = Pay invoice { $number }: { $sum }
task-invoice-due = Due by { $due }.
task-invoice-soon = Due by { $due }: that is now.
task-invoice-overdue = Was due by { $due }. Lines that it covers do not run, and a penalty accrues.
task-invoice-link = To the invoice
task-material-rejected = Replace the rejected material “{ $title }” of line { $line }
task-material-documents = Hand in documents for the material “{ $title }” of line { $line }
task-line-stopped = { $name } ({ $line }) does not run
task-line-link = To the line

## Order blanks
orders-title = Order blanks
orders-none = There are no order blanks yet.
order-word = Order blank
order-title = Order blank { $number }
order-lines = { $n ->
        [one] { $count } line
       *[other] { $count } lines
    }
order-made-out-on = Made out on
order-signed-on = Signed on
order-term = Term
blank-state-draft = Draft
blank-state-offered = Offered
blank-state-signed = Signed
blank-state-in-service = In service
blank-state-completed = Completed
blank-state-terminated = Terminated
blank-state-cancelled = Cancelled

## Lines
line-kind-media = media advertising
line-kind-period = placement by the month
line-kind-additional = additional service
line-runs = Runs
line-waits = Waits for its first day
line-stopped = Does not run
line-why-not = Why this line does not run
line-spent-of = Spent { $spent } of { $budget }
line-spent-of-month = Spent { $spent } of { $budget } this month
line-today-of = Today { $spent } of a target of { $target }
line-days-of = { $served } of the { $whole } days of the term have passed
line-today = Today
line-as-of = as of
line-terms = Terms
line-term = Term
line-ordered = ordered
line-price = Price
line-budget = Budget (net)
line-quantity = Quantity
line-spent-in-all = Spent in all (net)
line-counted-in-all = Impressions in all
line-places = Placements
line-regions = Regions
line-places-none = none
line-regions-all = everywhere
price-per-thousand = { $sum } for 1 000 impressions
price-per-month = { $sum } a month
price-once = { $sum } once
budget-in-all = { $sum } for the whole term
budget-each-month = { $sum } each month
figure-impressions = Impressions
figure-spent = Spent (net)
figure-target = Target
figure-share = Share of the target
figure-viewable = Viewable
figure-clicks = Clicks
not-running-not-signed = The order blank is not in force.
not-running-term-not-begun = Its first day is still to come.
not-running-term-over = Its last day has passed.
not-running-invoice-unpaid = An invoice that covers it is overdue.
not-running-no-approved-material = It has no approved material.
not-running-customer-suspended = Your organisation is suspended.
not-running-consent-withdrawn = The consent to the processing of personal data was withdrawn.
not-running-paused = It is paused.
not-running-terminated = It was terminated.
not-running-budget-exhausted = Its budget is spent.

## Plot and days
plot-title = Target and actual by day
plot-description = From { $from } to { $to }: { $spent } spent; { $n ->
        [one] { $behind } day
       *[other] { $behind } days
    } below the target. The figures are in the table below.
plot-bar = { $day }: { $spent }
plot-actual = spent
plot-target = target
plot-extra = extra period
plot-unit = soʻm a day, net of VAT
plot-none = There are no figures yet: the plot begins with the first day of the term.
days-caption = Target and actual by day, soʻm net of VAT
days-day = Day
days-target = Target
days-spent = Spent
days-share = Share
days-extra = extra period

## Extra period
extra-title = Extra period
extra-none = No extra period has been set.
extra-set-link = Set an extra period
extra-active = active
extra-set-by = Set
extra-switch-off = Switch off
extra-ended-expired = ended with its last day
extra-ended-switched-off = switched off
extra-ended-exhausted = ended: the budget is spent
extra-intro = An extra period spends part of the budget faster, up to its own last day. Then the line goes back to even pacing with what is left. It can be switched off at any time.
extra-form = What to set
extra-form-again = Change what was entered
extra-first-day = First day
extra-first-day-hint = Leave empty to begin today.
extra-last-day = Last day
extra-last-day-hint = No later than the last day of the line.
extra-budget = Budget of the extra period, soʻm without VAT
extra-budget-hint = Unspent now:
extra-preview = Show the effect
extra-effect = Effect
extra-effect-of = If you confirm:
extra-effect-now = A day now
extra-effect-inside = A day inside
extra-effect-after = A day afterwards
extra-effect-after-none = Nothing is left
extra-effect-note = A forecast by the rules of even pacing. What was spent today counts in an extra period that begins today; each day’s target follows what the days before really spent.
extra-confirm = Set the extra period
extra-refused-not-media = Only a media line can have an extra period.
extra-refused-not-in-force = The order blank is not in force.
extra-refused-line-ended = The line ended on { $day }.
extra-refused-outside-term = An extra period is set during the term of the line: { $first } – { $last }.
extra-refused-already-set = An extra period from { $first } to { $last } is set already. Switch it off first.
extra-refused-first-day-past = The first day can’t be before today, { $today }.
extra-refused-last-before-first = The last day can’t be before the first, { $first }.
extra-refused-beyond-term = The last day can be { $last } at the latest: the last day of the line.
extra-refused-not-positive = Enter a sum above zero.
extra-refused-over-budget = That is more than the whole budget of the line, { $limit }.
extra-refused-over-unspent = That is more than what remains unspent, { $limit }.

## Materials
materials-title = Ad materials
materials-none = No material has been submitted.
material-version = version
material-live-from = runs from
material-state-submitted = Submitted
material-state-in-review = In review
material-state-approved = Approved
material-state-rejected = Rejected
material-state-documents-required = Documents required
material-state-documents-overdue = Documents overdue
material-state-withdrawn = Approval withdrawn
reason-language = There is no text in the state language, or its translation is larger than it.
reason-foreign-currency = A price is in a foreign currency.
reason-age-class = The age class is missing.
reason-forbidden-goods = These goods or services must not be advertised.
reason-alcohol = Alcohol is advertised where it is not allowed.
reason-morals = The content is insulting, immoral or harmful to minors.
reason-untrue-content = The content is not true or can’t be proved.
reason-wrong-contacts = The address or the telephone is wrong.
reason-site-mismatch = The site does not open or is about something else.
reason-licence-missing = A licence or certificate is missing.
reason-rights-missing = The right to a person’s image, music, font or photograph is missing.
reason-second-subject = A second subject is advertised.
reason-quality = The image is blurred, cut off or unreadable.
reason-other = Another reason:

## History
history-title = History
history-none = Nothing has been changed since the order blank was signed.
change-extra-period-set = Extra period set
change-extra-period-ended = Extra period ended
change-term-moved = Term moved
change-material-submitted = Material submitted
change-material-decided = Material decided on

## Documents
documents-title = Documents
documents-none = There are no documents yet. The first comes after the end of the first month with rendered services.
document-issued-on = Issued on
document-verify = Verify
document-kind-primary-document = Primary document
document-kind-vat-invoice = VAT invoice
document-kind-correction = Correcting document
document-kind-reconciliation-act = Reconciliation act
document-kind-penalty-claim = Penalty claim
document-kind-refund = Refund
document-state-issued = Issued
document-state-sent = Sent
document-state-accepted = Accepted
document-state-disputed = Disputed
document-state-corrected = Corrected
document-state-upheld = Upheld

## Money
invoices-title = Invoices
invoices-none = There are no invoices yet.
invoices-open-in-all = To be paid in all:
invoice-word = Invoice
invoice-open = to be paid
invoice-paid = paid
invoice-issued-on = issued on
invoice-due-on = due by
invoice-state-paid = Paid
invoice-state-open = Open
invoice-state-part = Paid in part
invoice-state-overdue = Overdue
invoice-purpose = Payment of invoice { $number } of { $day } under order blank { $order } for advertising services
payments-title = Payments
payments-none = No payment has been received yet.
payment-received-on = Received on
payment-amount = Sum
payment-how = How
payment-invoice = Names invoice
payment-allocated = Used for invoices
payment-free = Free
payment-reference = Reference
payment-method-bank = bank transfer
payment-method-cash = cash desk
payment-method-click = Click
payment-method-payme = Payme

## Verification
verify-title = Verify a document
verify-intro = Anybody who holds a document can check that it was issued by us and not altered. Both entries are on the document.
verify-number = Number of the document
verify-hash = Hash (SHA-256)
verify-hash-hint = 64 characters, 0–9 and a–f
verify-button = Verify
verify-genuine = The document is genuine.
verify-not-genuine = No document with this number and hash was issued. Check both entries; if they are right, the document is not genuine.
verify-period = Period
verify-sum = Sum

## Demo page
demo-title = Demo page
demo-intro = Below is a page of a small city directory. Its ad places are filled by the browser tag, just as on a partner’s site; every banner that you see is counted once.
demo-where = The counts grow in the customer’s cabinet, on the page of the line:
demo-cabinet-link = open the cabinet
demo-site = Shahar.demo
demo-site-more = Tashkent city directory: organisations, services, places
demo-heading = Popular today
demo-teahouse = teahouse
demo-bookshop = bookshop
demo-clinic = clinic
demo-repair = repair service
demo-ads = Advertisements
demo-ad = Advertisement
demo-no-places = No placement has been created yet.
