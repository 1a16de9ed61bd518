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
nav-notices = Notices
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
flash-budget-increased = The budget is increased. The new plan is in force within seconds.
flash-budget-invoiced = The request is accepted. The budget is raised once the invoice is paid.
flash-budget-asked = This request has been accepted already.
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

# Budget increase
increase-title = Increase the budget
increase-none = The budget has not been increased.
increase-heading = Budget
increase-intro = The added sum with VAT is taken from the free advance, and for a monthly budget from money paid in for later months too. If that is enough, the new budget is in force at once; if not, an invoice over the missing sum is issued, due in 30 days.
increase-form = How much to add
increase-amount = Sum to add, soʻm without VAT
increase-amount-monthly = The sum is added to each month, from the current one on.
increase-show = Show the calculation
increase-preview = If you confirm
increase-now = Budget now
increase-raised = New budget
increase-from = from
increase-added = Added, without VAT
increase-added-gross = With VAT
increase-free = Free advance
increase-covered = From free advance
increase-borrowed = From later months’ money
increase-missing = Still to pay
increase-due = To be paid by
increase-at-once = The new budget will be in force within seconds.
increase-when-paid = The new budget is in force once the invoice is paid; unpaid in time, the request lapses.
increase-later = Invoices for later months
increase-confirm = Top up
increase-asked-by = Asked
increase-state-pending = waits for payment
increase-state-in-force = in force
increase-state-lapsed = lapsed unpaid
increase-note-pending = Pay { $sum } by { $day }
increase-note-in-force = { $before } → { $after }
increase-refused-not-media = Only a media line has a budget.
increase-refused-term-over = The line’s term was over on { $day }.
increase-refused-over-limit = The budget can be { $limit } at most.
increase-refused-pending = An earlier request of this line still waits for its payment.

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

## History
history-title = History
history-none = Nothing has been changed since the order blank was signed.
change-extra-period-set = Extra period set
change-extra-period-ended = Extra period ended
change-budget-increased = Budget increased
change-budget-increase-requested = Budget increase asked for
change-budget-increase-lapsed = Budget increase lapsed unpaid
change-term-moved = Term moved
change-material-submitted = Material submitted
change-material-decided = Material decided on

## Documents
documents-title = Documents
documents-none = There are no documents yet. The first comes after the end of the first month with rendered services.
document-issued-on = Issued on
document-verify = Verify
document-einvoice = E-invoice (JSON)
document-objection = Objection
objection-title = Objection to a document
objection-intro = If the quantities or sums are wrong, say so in writing here. Without an objection the services are accepted in full.
objection-countdown = { $n ->
        [one] One day is left
       *[other] { $n } days are left
    }: objections are taken through the end of { $day }.
objection-over = Objections were taken through the end of { $day }.
objection-exists = There is an objection to this document already.
objection-reasons = What is wrong and why
objection-reasons-hint = Name the contract, the service and the figures that you hold to be right; at most 4,000 characters.
objection-send = Object
objection-made-on = Objection of
objection-open = We are looking into it; the decision will stand here.
objection-upheld = Upheld: a correcting document was issued
objection-rejected = Rejected: the document stands
flash-objection-made = Your objection is recorded.
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
invoice-state-void = Void
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

# Signing, amendments
order-waits-for-signature = The order blank waits for your signature.
order-sign-link = Read and sign
order-papers = Document
order-scan = Scan of the signed paper
order-terms-file = Terms (JSON)
amendments-title = Amendments
amendment-name = Amendment No. { $number }
amendment-state-draft = draft
amendment-state-offered = waits for a signature
amendment-state-signed = in force
amendment-state-cancelled = cancelled
amended-line = Line
amended-added = To be paid in addition
amended-previous = Hash of the text before (SHA-256)
amended-all = no restriction
amended-field-unit-price = Price
amended-field-first-day = First day
amended-field-last-day = Last day
amended-field-budget = Budget
amended-field-quantity = Quantity
amended-field-placements = Placements
amended-field-regions = Regions
amended-field-rubrics = Rubrics
amended-field-search-phrases = Search words
amended-field-schedule = Shown
amended-field-frequency-cap = To one viewer a day
sign-title = Signing order blank { $number }
sign-intro = Read the blank to the end. Once signed, it is a contract and its invoices are issued.
sign-lines = What is ordered
sign-net = Without VAT
sign-vat = VAT
sign-gross = Total
sign-frequency = Frequency
sign-hash = Hash of the terms (SHA-256)
sign-heading = Signature
sign-code-intro = The code to sign is sent to:
sign-send-code = Send the code
sign-password = Your password
sign-password-hint = The password of the cabinet, once more.
sign-password-wrong = The password is wrong.
sign-code = Code from the letter
sign-code-hint = Six digits; valid for 10 minutes, 5 attempts.
sign-button = Sign
sign-owner-only = Only the owner can sign.
decline-heading = Decline
decline-reason = Reason
decline-button = Decline the offer
flash-code-sent = The code was sent. Check the mail.
flash-order-signed = The order blank is signed. Its invoices are below.
flash-order-declined = The offer is declined.
flash-amendment-signed = The amendment is signed and in force.
flash-amendment-declined = The amendment is declined.
sign-refused-other = It can’t be signed: { $reason }
sign-refused-signing-code-expired = The code has expired or was not sent yet. Ask for a new one.
sign-refused-signing-code-attempts = No attempts are left. Ask for a new code.
sign-refused-signing-code-wrong = The code is wrong.
sign-refused-signing-code-too-often = A code was sent a moment ago. Ask again a little later.
sign-refused-terms-changed = The terms changed while you read. Read them again.
sign-refused-order-blank-not-offered = The blank is not offered for signature, or is signed already.
sign-refused-order-blank-already-signed = The blank is signed already.
sign-refused-order-blank-already-cancelled = The blank is cancelled already.
sign-refused-order-blank-terminated = The contract is terminated.
sign-refused-order-blank-completed = The contract is completed.
sign-refused-due-before-signing = The payment term is over already. Ask the contractor for a new blank.
sign-refused-own-term-before-signing = The blank’s own payment term is over. Ask the contractor for a new blank.
sign-refused-amendment-already-signed = The amendment is signed already.
sign-refused-amendment-cancelled = The amendment is cancelled.
sign-refused-line-has-ended = The line has ended.
sign-refused-term-in-the-past = The new term lies in the past.
sign-refused-budget-below-spent = The new budget is below what is spent.
sign-refused-price-after-first-impression = Impressions were shown at the agreed price: it is not changed any more.
sign-refused-price-after-begin = The service has begun: its price is not changed any more.
sign-refused-extra-period-is-set = An extra period is set: switch it off first.
verify-amendment = Amendment of an order blank
change-budget-decreased = Budget lowered
change-amended = Amended

# Notices, rules and prices
notices-title = Notices
notices-none = There are no notices yet.
notice-read = Read
notice-mark-read = Mark as read
rules-title = Rules
rules-edition = Edition { $number } of the rules
rules-dates = Published on { $published }, in force from { $from }
rules-history = All editions
in-force = In force
prices-title = Price list
prices-from = Price list from { $from }
prices-net = Prices are net; VAT is added.
prices-final = Prices are final.
prices-code = Code
prices-service = Service
prices-unit = Unit
prices-price = Price, soʻm
prices-groups = Price groups
prices-group = city: { $city }; category: { $category }; coefficient { $coefficient }
prices-archive = Archive
prices-on = In force on
prices-show = Show
prices-shown = Shown
unit-thousand-impressions = 1,000 impressions
unit-month = month
unit-piece = piece

## Refunds
refunds-title = Refunds and settlements
refund-possible = Can be refunded now
refund-ask-heading = Ask for a refund
refund-rules = Unused advance is paid back within 30 calendar days, to your own settlement account only and only when you owe nothing under any contract.
refund-waits = A contract ends on { $day }: what it leaves is known then, and the sum is fixed on that day.
refund-hindered-by-debt = You owe { $sum } under your contracts: a refund is paid only without debt.
refund-ask = Ask for a refund
refund-requests = Requests
refund-requested-on = Asked for on
refund-take-back = Take back
refund-note-waits = The sum is fixed when the contract ends on { $day }; paid by { $due }.
refund-note-due = To be paid by { $due }.
refund-note-paid = Paid on { $day } to account { $account }.
refund-state-requested = Requested
refund-state-fixed = Sum fixed
refund-state-paid = Paid
refund-state-cancelled = Taken back
refund-state-refused = Refused
refund-refused-customer-has-debt = There is a debt under a contract.
refund-refused-nothing-to-refund = There is nothing to refund.
refund-refused-no-settlement-account = No settlement account of yours is known: a refund is paid only to your own.
refund-refused-refund-already-requested = An earlier request is still open.
flash-refund-requested = The request is taken.
flash-refund-cancelled = The request is taken back.
settlements-title = Settlements of ended contracts
settlement-contract = Contract
settlement-ended-on = Ended on
settlement-paid = Paid
settlement-rendered = Rendered
settlement-surplus = To refund
settlement-debt = Still owed
settlement-due-on = Settled by

termination-title = End the contract
termination-intro = Choose what is to end and why. You will see the first day without service before anything is sent.
termination-form = Notice of termination
termination-what = What is to end
termination-what-hint = The whole contract, the additional services alone, or one line.
termination-contract = The whole contract
termination-additional = The additional services alone
termination-ground = Ground
termination-ground-hint = An ordinary notice needs no reason.
termination-ground-ordinary = Ordinary notice
termination-ground-agreement = By agreement, on a day that we confirm
termination-ground-corruption = Corruption clause
termination-day = First day without service
termination-day-hint = Only for an agreement; otherwise the rules fix the day.
termination-comment = Comment
termination-comment-hint = The corruption clause needs the facts.
termination-show = Show the day
termination-preview = First day without service
termination-by-itself = ends by itself before
termination-notice-note = Services rendered until that day are charged; what is left of your advance is paid back on your request. A notice can't be taken back.
termination-proposal-note = Nothing ends before we confirm your proposal.
termination-confirm = Send the notice
termination-propose = Send the proposal
termination-refused-termination-too-early = The earliest day is { $limit }.
termination-refused-termination-no-lines = There is nothing of that kind to end.
termination-refused-termination-already-over = It is over: the last day was { $limit }.
termination-refused-termination-ends-already = An earlier notice ends it on { $limit }; a later one can't put that off.
termination-refused-termination-ends-by-itself = It ends by itself on { $limit }, before a notice could end it.
termination-refused-order-blank-not-in-force = The contract is not in force.
termination-refused-missing = This field is needed.
flash-termination-noticed = The notice is given. The lines end on the days shown.
flash-termination-proposed = The proposal is sent. We will confirm or answer it.
flash-line-paused = The line is paused. It stops within seconds.
flash-line-resumed = The line goes on within seconds.
line-pause = Pause
line-resume = Go on
change-termination-notice = Notice of termination
change-paused = Paused
change-resumed = Going on
