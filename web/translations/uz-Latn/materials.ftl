# Reklama materiallari sahifasi. Har bir kalit har bir tilda bor; sinov ularni solishtiradi.

## Why a line is not shown: its material
not-running-no-material = Reklama materiali hali taqdim etilmagan.
not-running-material-in-review = Material moderator tekshiruvida.
not-running-material-rejected = Material rad etilgan.
not-running-material-withdrawn = Materialning tasdigʻi qaytarib olingan.
not-running-documents-required = Litsenziya yoki sertifikat nusxalari kutilmoqda.
not-running-documents-overdue = Litsenziya yoki sertifikat nusxalari oʻz vaqtida topshirilmagan.
not-running-licence-expired = Litsenziya yoki sertifikat muddati tugagan.
not-running-licence-revoked = Litsenziya yoki sertifikat bekor qilingan.
not-running-awaiting-amendment = Ikkinchi reklama predmeti uchun narx qayta koʻrilgan qoʻshimcha kelishuv kutilmoqda.
not-running-material-not-live-yet = Material kech topshirilgan: uning birinchi kuni hali kelmagan.
not-running-force-majeure = Fors-major holati sababli xizmat toʻxtatib turilgan.

## Materials
materials-link = Materiallar va hujjatlar
materials-due = Material { $day } kuni oxirigacha topshirilsa, qator oʻz vaqtida boshlanadi; kechiksa, uning muddati suriladi.
materials-change-from = Bugun topshirilgan yangi versiya { $day } kunidan koʻrsatiladi; unga qadar avvalgisi koʻrsatiladi, muddat uzaytirilmaydi.
materials-change-too-late = Bugun topshirilgan yangi versiya bu qator muddati ichida koʻrsatila olmaydi.
materials-form-first = Material topshirish
materials-form-change = Yangi versiya topshirish
materials-bytes-max = koʻpi bilan { $bytes } bayt
materials-chars-max = koʻpi bilan { $chars } belgi
materials-field-title = Sarlavha
materials-field-title-hint = Rasm oʻrnida oʻqiladigan matn yoki matnning sarlavhasi, koʻpi bilan 120 belgi.
materials-field-body = Matn
materials-field-body-hint = Davlat tilida; tarjima undan yirik boʻlmasligi kerak.
materials-field-url = Havola
materials-field-url-hint = https:// bilan boshlanadi.
materials-field-file = Rasm fayli
materials-field-file-hint = PNG, JPEG, GIF yoki WebP, harakatsiz.
materials-submit = Tekshiruvga yuborish
materials-responsibility = Tasdiqlash javobgarlikni oʻzgartirmaydi: materialning mazmuni, qonuniyligi va uchinchi shaxslar huquqlari uchun buyurtmachi javob beradi.
materials-papers-due = Soʻralgan hujjatlar nusxalarini { $day } kuni oxirigacha topshiring; undan keyin material koʻrsatilmaydi.
materials-awaiting-amendment = Materialda ikkinchi predmet reklama qilingan. U operatorning yozma roziligi va narx qayta koʻrilgan qoʻshimcha kelishuvdan keyin koʻrsatiladi.

## Licences and certificates
licences-title = Litsenziyalar va sertifikatlar
licences-none = Hujjat topshirilmagan.
licence-until = amal qilish muddati:
licence-replaced = Yangisi bilan almashtirilgan
licence-revoked = Bekor qilingan
licence-expired = Muddati tugagan
licence-report-revoked = Bekor qilinganini bildirish
licence-attach = Hujjat nusxasini topshirish
licence-field-kind = Hujjat turi
licence-field-number = Raqami
licence-field-issuer = Kim bergan
licence-field-issued = Berilgan sana (boʻlsa)
licence-field-expires = Amal qilishning oxirgi kuni
licence-field-replaces = Qaysi hujjat oʻrniga
licence-replaces-none = Boshqasining oʻrniga emas
licence-field-file = Nusxa: PDF, JPEG yoki PNG
licence-kind-licence = Litsenziya
licence-kind-certificate = Sertifikat
licence-kind-permit = Ruxsatnoma
licence-kind-declaration = Muvofiqlik deklaratsiyasi
licence-kind-consent = Rozilik
licence-kind-other = Boshqa hujjat

## What is refused
material-refused-missing = Bu maydonni toʻldiring.
material-refused-too-long = Juda uzun: koʻpi bilan { $limit }.
material-refused-control-character = Matnda boshqaruv belgisi bor.
material-refused-bad-target-url = https:// bilan boshlanadigan toʻliq havola kiriting.
material-refused-file-of-another-type = Fayl turi mos emas. Qabul qilinadi: { $limit }.
material-refused-active-content = Faylda skript yoki boshqa faol kod bor.
material-refused-data-after-image = Rasm oxiridan keyin boshqa maʼlumotlar bor.
material-refused-image-is-animated = Rasm harakatli; harakatsiz rasm kerak.
material-refused-file-is-broken = Fayl buzilgan yoki toʻliq emas.
material-refused-file-too-heavy = Fayl juda katta: koʻpi bilan { $limit }.
material-refused-image-of-wrong-size = Rasm oʻlchami mos emas, kerak: { $limit }.
material-refused-file-missing = Fayl tanlang.
material-refused-file-not-expected = Bu material faylsiz topshiriladi.
material-refused-body-missing = Matnni kiriting.
material-refused-body-not-expected = Bu material matnsiz topshiriladi.
material-refused-material-of-another-kind = Qator joylarida boshqa turdagi material koʻrsatiladi: { $limit }.
material-refused-line-takes-no-material = Bu qatorga material kerak emas.
material-refused-order-blank-not-in-force = Buyurtma blankasi kuchda emas.
material-refused-line-over = Qator muddati tugagan.
material-refused-material-too-late = Yangi versiya qatorning oxirgi kunigacha ({ $limit }) koʻrsatila olmaydi.
material-refused-too-many-versions = Versiyalar soni chegarasiga yetildi: { $limit }.
material-refused-material-closed = Bu versiya yopilgan. Hujjatlar bilan birga yangi versiya topshiring.
material-refused-document-expired = Hujjatning amal qilish muddati tugagan.
material-refused-expiry-out-of-range = Oxirgi kun { $limit } dan kech boʻla olmaydi.
material-refused-issue-date-out-of-range = Berilgan sana bugundan va oxirgi kundan kech boʻla olmaydi.
material-refused-document-lasts-no-longer = Yangi hujjat avvalgisidan ({ $limit }) uzoqroq amal qilishi kerak.
material-refused-no-document-to-replace = Almashtiriladigan hujjat yoʻq yoki u allaqachon almashtirilgan.
material-refused-too-many-documents = Hujjatlar soni chegarasiga yetildi: { $limit }.
material-refused-document-already-revoked = Hujjat bekor qilingani avval bildirilgan.
material-refused-document-replaced = Bu hujjat oʻrniga boshqasi topshirilgan.

## Shown once, and the history of a line
flash-material-submitted = Material topshirildi va moderatorga yuborildi.
flash-document-attached = Hujjat topshirildi.
flash-document-revoked = Bildirildi. Material bir necha soniyada toʻxtatiladi.
change-document-attached = Hujjat topshirildi
change-document-revoked = Hujjat bekor qilingani bildirildi
change-documents-overdue = Hujjatlar muddati oʻtdi
change-licence-expired = Litsenziya yoki sertifikat muddati tugadi
change-second-subject-flagged = Ikkinchi reklama predmeti aniqlandi
change-second-subject-cleared = Ikkinchi predmetga rozilik berildi
