# Kabinet sahifalari oʻzbek tilida. Har bir kalit har bir tilda bor; test ularni solishtiradi.

## Layout
skip-to-content = Asosiy qismga oʻtish
choose-language = Til
nav-label = Boʻlimlar
nav-home = Bosh sahifa
nav-orders = Buyurtma blankalari
nav-documents = Hujjatlar
nav-invoices = Hisoblar
nav-payments = Toʻlovlar
sign-out = Chiqish
verify-link = Hujjatni tekshirish
demo-link = Namuna sahifa
back-to-front = Bosh sahifaga
cancel-link = Bekor qilish
money-sum = { $sum } soʻm
days-word = kun

## Pages that aren't shown
refusal-no-cabinet = Bu hisobda shaxsiy kabinet yoʻq
refusal-no-cabinet-more = Siz Ijrochi xodimi sifatida kirgansiz. Shaxsiy kabinet Buyurtmachilar uchun.
refusal-not-found = Bunday sahifa yoʻq
refusal-not-found-more = U koʻchirilgan yoki boshqa hisobga tegishli boʻlishi mumkin.
refusal-role = Rolingiz bunga ruxsat bermaydi
refusal-role-more = Tashkilotingiz hisobi egasiga yoki menejer rolidagi foydalanuvchiga murojaat qiling.
refusal-stale = Bu shakl eskirgan
refusal-stale-more = Hech narsa oʻzgarmadi. Orqaga qayting, sahifani yangilang va shaklni qayta yuboring.
refusal-bad-form = Shaklni oʻqib boʻlmadi
refusal-bad-form-more = Hech narsa oʻzgarmadi. Shaklda koʻpi bilan { $limit } bayt va { $n ->
       *[other] { $n }
    } ta maydon boʻlishi mumkin.
refusal-busy = Xuddi shu paytda buni boshqa kimdir oʻzgartirdi
refusal-busy-more = Sizning oʻzgarishlaringiz kiritilmadi. Shaklni qayta yuboring.
refusal-failed = Bizning tomonda xatolik yuz berdi
refusal-failed-more = Xatolik qayd etildi. Bir daqiqadan soʻng qayta urinib koʻring.

## Signing in
sign-in-title = Kabinetga kirish
sign-in-intro = Oʻzingiz tanlagan yoki buyurtma blankasi bilan berilgan login va parol orqali.
sign-in-login = Login
sign-in-password = Parol
sign-in-button = Kirish
sign-in-wrong = Login yoki parol notoʻgʻri.
sign-in-too-often = Urinishlar juda koʻp. { $n ->
       *[other] { $minutes }
    } daqiqadan soʻng qayta urinib koʻring.
field-needed = Bu maydonni toʻldiring.
field-day = Sanani kiriting, masalan 30.11.2026.
field-sum = Soʻmdagi summani verguldan keyin koʻpi bilan ikki raqam bilan kiriting, masalan 150 000,50.

## Shown once
flash-extra-period-set = Ekstra-davr belgilandi. Yangi reja bir necha soniyada kuchga kiradi.
flash-extra-period-ended = Ekstra-davr oʻchirildi. Qator bir tekis aylantirishga qaytdi.
flash-signed-out = Siz kabinetdan chiqdingiz.

## Home
home-title = Bosh sahifa
home-balance = Balans
home-advance = Avans qoldigʻi
home-receivable = Xizmatlar uchun qarz
home-penalty = Jarimalar
home-spent-today = Bugun sarflandi (QQSsiz)
home-tasks = Nima qilish kerak
home-no-tasks = Hech narsa: barcha hisoblar toʻlangan, materiallar joyida, qatorlar ishlayapti.
home-lines = Joriy qatorlar
home-no-lines = Hozir muddati ketayotgan qator yoʻq. Ijrochi yangi buyurtma blankasini rasmiylashtirib beradi.
task-invoice = { $number } hisobini toʻlang: { $sum }
task-invoice-due = Muddati — { $due } (shu kun ham kiradi).
task-invoice-soon = Muddati — { $due }, yaʼni hozir.
task-invoice-overdue = Muddati { $due } da tugagan. Shu hisobdagi qatorlar koʻrsatilmaydi va jarima hisoblanadi.
task-invoice-link = Hisobga oʻtish
task-material-rejected = { $line } qatoridagi rad etilgan “{ $title }” materialini almashtiring
task-material-documents = { $line } qatoridagi “{ $title }” materiali uchun hujjatlarni taqdim eting
task-line-stopped = { $name } ({ $line }) koʻrsatilmayapti
task-line-link = Qatorga oʻtish

## Order blanks
orders-title = Buyurtma blankalari
orders-none = Hozircha buyurtma blankalari yoʻq.
order-word = Buyurtma blankasi
order-title = Buyurtma blankasi { $number }
order-lines = { $n ->
       *[other] { $count }
    } ta qator
order-made-out-on = Rasmiylashtirilgan
order-signed-on = Imzolangan
order-term = Muddat
blank-state-draft = Qoralama
blank-state-offered = Taklif qilingan
blank-state-signed = Imzolangan
blank-state-in-service = Bajarilmoqda
blank-state-completed = Bajarilgan
blank-state-terminated = Bekor qilingan (muddatidan oldin)
blank-state-cancelled = Bekor qilingan

## Lines
line-kind-media = media reklama
line-kind-period = davr boʻyicha joylashtirish
line-kind-additional = qoʻshimcha xizmat
line-runs = Koʻrsatilmoqda
line-waits = Birinchi kunini kutmoqda
line-stopped = Koʻrsatilmayapti
line-why-not = Qator nega koʻrsatilmayapti
line-spent-of = { $budget } dan { $spent } sarflandi
line-spent-of-month = Shu oyda { $budget } dan { $spent } sarflandi
line-today-of = Bugun { $spent }, reja { $target }
line-days-of = Muddatning { $whole } kunidan { $served } kuni oʻtdi
line-today = Bugun
line-as-of = holat:
line-terms = Shartlar
line-term = Muddat
line-ordered = buyurtmada
line-price = Narx
line-budget = Byudjet (QQSsiz)
line-quantity = Miqdor
line-spent-in-all = Jami sarflandi (QQSsiz)
line-counted-in-all = Jami namoyishlar
line-places = Reklama joylari
line-regions = Hududlar
line-places-none = yoʻq
line-regions-all = hamma joyda
price-per-thousand = 1 000 ta namoyish uchun { $sum }
price-per-month = oyiga { $sum }
price-once = bir martalik { $sum }
budget-in-all = butun muddatga { $sum }
budget-each-month = har oyga { $sum }
figure-impressions = Namoyishlar
figure-spent = Sarflandi (QQSsiz)
figure-target = Reja
figure-share = Rejadagi ulush
figure-viewable = Koʻringanlari
figure-clicks = Oʻtishlar
not-running-not-signed = Buyurtma blankasi kuchda emas.
not-running-term-not-begun = Birinchi kuni hali kelmagan.
not-running-term-over = Oxirgi kuni oʻtib ketgan.
not-running-invoice-unpaid = Uni qoplaydigan hisobning muddati oʻtgan.
not-running-no-approved-material = Tasdiqlangan material yoʻq.
not-running-customer-suspended = Tashkilotingizga xizmat koʻrsatish toʻxtatib turilgan.
not-running-consent-withdrawn = Shaxsiy maʼlumotlarni qayta ishlashga rozilik qaytarib olingan.
not-running-paused = U toʻxtatib turilgan.
not-running-terminated = U muddatidan oldin tugatilgan.
not-running-budget-exhausted = Byudjet sarflab boʻlingan.

## Plot and days
plot-title = Kunlar boʻyicha reja va amalda
plot-description = { $from } dan { $to } gacha: { $spent } sarflandi; rejadan kam kunlar: { $n ->
       *[other] { $behind }
    }. Raqamlar quyidagi jadvalda.
plot-bar = { $day }: { $spent }
plot-actual = sarflandi
plot-target = reja
plot-extra = ekstra-davr
plot-unit = kuniga soʻm, QQSsiz
plot-none = Hozircha raqamlar yoʻq: grafik muddatning birinchi kunidan boshlanadi.
days-caption = Kunlar boʻyicha reja va amalda, soʻm, QQSsiz
days-day = Kun
days-target = Reja
days-spent = Sarflandi
days-share = Ulush
days-extra = ekstra-davr

## Extra period
extra-title = Ekstra-davr
extra-none = Ekstra-davr hali belgilanmagan.
extra-set-link = Ekstra-davrni belgilash
extra-active = amalda
extra-set-by = Belgilangan:
extra-switch-off = Oʻchirish
extra-ended-expired = oxirgi kuni bilan tugagan
extra-ended-switched-off = oʻchirilgan
extra-ended-exhausted = tugagan: byudjet sarflab boʻlingan
extra-intro = Ekstra-davr byudjetning bir qismini oʻzining oxirgi kunigacha tezroq sarflaydi. Soʻng qator qolgan mablagʻ bilan bir tekis aylantirishga qaytadi. Uni istalgan paytda oʻchirish mumkin.
extra-form = Nimani belgilash
extra-form-again = Kiritilganni oʻzgartirish
extra-first-day = Birinchi kun
extra-first-day-hint = Bugundan boshlash uchun boʻsh qoldiring.
extra-last-day = Oxirgi kun
extra-last-day-hint = Qatorning oxirgi kunidan kech emas.
extra-budget = Yuqori reklama byudjeti, soʻm, QQSsiz
extra-budget-hint = Hozir sarflanmagan:
extra-preview = Taʼsirini koʻrsatish
extra-effect = Taʼsiri
extra-effect-of = Tasdiqlasangiz:
extra-effect-now = Hozir kuniga
extra-effect-inside = Davr ichida kuniga
extra-effect-after = Undan keyin kuniga
extra-effect-after-none = Hech narsa qolmaydi
extra-effect-note = Bir tekis aylantirish qoidalari boʻyicha hisob. Bugun sarflangani bugun boshlanadigan ekstra-davrga kiradi; har kunning rejasi undan oldingi kunlarda amalda sarflanganiga bogʻliq.
extra-confirm = Ekstra-davrni belgilash
extra-refused-not-media = Ekstra-davr faqat media reklamada boʻladi.
extra-refused-not-in-force = Buyurtma blankasi kuchda emas.
extra-refused-line-ended = Qator { $day } da tugatilgan.
extra-refused-outside-term = Ekstra-davr qator muddati ichida belgilanadi: { $first } – { $last }.
extra-refused-already-set = { $first } – { $last } ekstra-davri allaqachon belgilangan. Avval uni oʻchiring.
extra-refused-first-day-past = Birinchi kun bugundan ({ $today }) oldin boʻlishi mumkin emas.
extra-refused-last-before-first = Oxirgi kun birinchi kundan ({ $first }) oldin boʻlishi mumkin emas.
extra-refused-beyond-term = Oxirgi kun { $last } dan, yaʼni qatorning oxirgi kunidan kech boʻlishi mumkin emas.
extra-refused-not-positive = Noldan katta summani kiriting.
extra-refused-over-budget = Bu qatorning butun byudjetidan koʻp: { $limit }.
extra-refused-over-unspent = Bu sarflanmagan qoldiqdan koʻp: { $limit }.

## Materials
materials-title = Reklama materiallari
materials-none = Material hali taqdim etilmagan.
material-version = versiya
material-live-from = koʻrsatiladi:
material-state-submitted = Taqdim etilgan
material-state-in-review = Tekshiruvda
material-state-approved = Tasdiqlangan
material-state-rejected = Rad etilgan
material-state-documents-required = Hujjatlar kerak
material-state-documents-overdue = Hujjatlar muddati oʻtgan
material-state-withdrawn = Tasdiq qaytarib olingan
reason-language = Davlat tilidagi matn yoʻq yoki tarjima undan yirik.
reason-foreign-currency = Narx chet el valyutasida koʻrsatilgan.
reason-age-class = Yosh toifasi koʻrsatilmagan.
reason-forbidden-goods = Bu tovar yoki xizmatlarni reklama qilish taqiqlangan.
reason-alcohol = Alkogol ruxsat berilmagan joyda reklama qilingan.
reason-morals = Mazmuni haqoratli, axloqqa zid yoki voyaga yetmaganlar uchun zararli.
reason-untrue-content = Mazmuni haqiqatga toʻgʻri kelmaydi yoki tasdiqlanmagan.
reason-wrong-contacts = Manzil yoki telefon notoʻgʻri.
reason-site-mismatch = Sayt ochilmaydi yoki boshqa narsa haqida.
reason-licence-missing = Litsenziya yoki sertifikat yoʻq.
reason-rights-missing = Shaxs tasviri, musiqa, shrift yoki fotosuratga huquq yoʻq.
reason-second-subject = Ikkinchi predmet reklama qilingan.
reason-quality = Tasvir xira, kesilgan yoki oʻqib boʻlmaydi.
reason-other = Boshqa sabab:

## History
history-title = Tarix
history-none = Blanka imzolangandan beri hech narsa oʻzgarmagan.
change-extra-period-set = Ekstra-davr belgilandi
change-extra-period-ended = Ekstra-davr tugatildi
change-term-moved = Muddat surildi
change-material-submitted = Material taqdim etildi
change-material-decided = Material boʻyicha qaror

## Documents
documents-title = Hujjatlar
documents-none = Hozircha hujjatlar yoʻq. Birinchisi xizmat koʻrsatilgan birinchi oy tugagach paydo boʻladi.
document-issued-on = Berilgan sana:
document-verify = Tekshirish
document-kind-primary-document = Birlamchi hujjat
document-kind-vat-invoice = Hisob-faktura
document-kind-correction = Tuzatuvchi hujjat
document-kind-reconciliation-act = Solishtirish dalolatnomasi
document-kind-penalty-claim = Jarima talabi
document-kind-refund = Qaytarish
document-state-issued = Berilgan
document-state-sent = Yuborilgan
document-state-accepted = Qabul qilingan
document-state-disputed = Eʼtiroz bildirilgan
document-state-corrected = Tuzatilgan
document-state-upheld = Oʻz kuchida qoldirilgan

## Money
invoices-title = Toʻlov uchun hisoblar
invoices-none = Hozircha hisoblar yoʻq.
invoices-open-in-all = Jami toʻlanishi kerak:
invoice-word = Hisob
invoice-open = toʻlanishi kerak
invoice-paid = toʻlangan
invoice-issued-on = berilgan
invoice-due-on = toʻlov muddati
invoice-state-paid = Toʻlangan
invoice-state-open = Toʻlanmagan
invoice-state-part = Qisman toʻlangan
invoice-state-overdue = Muddati oʻtgan
invoice-purpose = { $day } dagi { $number } hisobi va { $order } buyurtma blankasi boʻyicha reklama xizmatlari uchun toʻlov
payments-title = Toʻlovlar
payments-none = Hozircha toʻlovlar tushmagan.
payment-received-on = Tushgan kun
payment-amount = Summa
payment-how = Usul
payment-invoice = Qaysi hisobga
payment-allocated = Hisoblarga oʻtkazildi
payment-free = Erkin
payment-reference = Asos
payment-method-bank = bank oʻtkazmasi
payment-method-cash = kassa
payment-method-click = Click
payment-method-payme = Payme

## Verification
verify-title = Hujjatni tekshirish
verify-intro = Hujjat qoʻlida boʻlgan har kim uning biz tomonimizdan berilganini va oʻzgartirilmaganini tekshirishi mumkin. Ikkala maʼlumot ham hujjatda yozilgan.
verify-number = Hujjat raqami
verify-hash = Xesh (SHA-256)
verify-hash-hint = 64 ta belgi, 0–9 va a–f
verify-button = Tekshirish
verify-genuine = Hujjat haqiqiy.
verify-not-genuine = Bunday raqam va xeshli hujjat berilmagan. Ikkala maʼlumotni tekshiring; ular toʻgʻri boʻlsa, hujjat haqiqiy emas.
verify-period = Davr
verify-sum = Summa

## Demo page
demo-title = Namuna sahifa
demo-intro = Quyida kichik shahar maʼlumotnomasining sahifasi. Undagi reklama joylarini, hamkor saytidagi kabi, brauzer tegi toʻldiradi; koʻrilgan har bir banner bir marta sanaladi.
demo-where = Namoyishlar Buyurtmachining kabinetida, qator sahifasida koʻrinadi:
demo-cabinet-link = kabinetni ochish
demo-site = Shahar.demo
demo-site-more = Toshkent shahri maʼlumotnomasi: tashkilotlar, xizmatlar, joylar
demo-heading = Bugun ommabop
demo-teahouse = choyxona
demo-bookshop = kitob doʻkoni
demo-clinic = klinika
demo-repair = taʼmirlash xizmati
demo-ads = Sahifadagi reklama
demo-ad = Reklama
demo-no-places = Hozircha reklama joylari yoʻq.
