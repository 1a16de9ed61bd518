# Страницы кабинета по-русски. Каждый ключ есть на каждом языке; тест сравнивает их.

## Layout
skip-to-content = К содержанию
choose-language = Язык
nav-label = Разделы
nav-home = Главная
nav-orders = Бланки заказов
nav-documents = Документы
nav-invoices = Счета
nav-payments = Платежи
sign-out = Выйти
verify-link = Проверить документ
demo-link = Демо-страница
back-to-front = На главную
cancel-link = Отмена
money-sum = { $sum } сум
days-word = дн.

## Pages that aren't shown
refusal-no-cabinet = У этой учётной записи нет личного кабинета
refusal-no-cabinet-more = Вы вошли как сотрудник исполнителя. Личный кабинет есть у заказчиков.
refusal-not-found = Такой страницы нет
refusal-not-found-more = Возможно, она переехала или принадлежит другой учётной записи.
refusal-role = Ваша роль этого не позволяет
refusal-role-more = Обратитесь к владельцу учётной записи вашей организации или к пользователю с ролью менеджера.
refusal-stale = Эта форма устарела
refusal-stale-more = Ничего не изменилось. Вернитесь, обновите страницу и отправьте форму ещё раз.
refusal-bad-form = Форму не удалось прочитать
refusal-bad-form-more = Ничего не изменилось. В форме может быть не более { $limit } байт и { $n ->
        [one] { $n } поля
       *[other] { $n } полей
    }.
refusal-busy = Кто-то изменил то же самое в этот момент
refusal-busy-more = Ваши изменения не внесены. Пожалуйста, отправьте форму ещё раз.
refusal-failed = У нас произошла ошибка
refusal-failed-more = Ошибка записана. Пожалуйста, повторите попытку через минуту.

## Signing in
sign-in-title = Вход в кабинет
sign-in-intro = С логином и паролем, которые вы выбрали сами или получили вместе с бланком заказа.
sign-in-login = Логин
sign-in-password = Пароль
sign-in-button = Войти
sign-in-wrong = Неверный логин или пароль.
sign-in-too-often = Слишком много попыток. Повторите через { $n ->
        [one] { $minutes } минуту
        [few] { $minutes } минуты
       *[other] { $minutes } минут
    }.
field-needed = Заполните это поле.
field-day = Введите дату, например 30.11.2026.
field-sum = Введите сумму в сумах не более чем с двумя знаками после запятой, например 150 000,50.

## Shown once
flash-extra-period-set = Экстра-период задан. Новый план вступит в силу через несколько секунд.
flash-extra-period-ended = Экстра-период отключён. Строка вернулась к равномерному показу.
flash-signed-out = Вы вышли из кабинета.

## Home
home-title = Главная
home-balance = Баланс
home-advance = Остаток аванса
home-receivable = Долг за услуги
home-penalty = Пени
home-spent-today = Израсходовано сегодня (без НДС)
home-tasks = Что нужно сделать
home-no-tasks = Ничего: все счета оплачены, материалы в порядке, строки работают.
home-lines = Текущие строки
home-no-lines = Сейчас ни одна строка не оказывается. Исполнитель может оформить новый бланк заказа.
task-invoice = Оплатите счёт { $number }: { $sum }
task-invoice-due = Срок — до { $due } включительно.
task-invoice-soon = Срок — до { $due } включительно, то есть сейчас.
task-invoice-overdue = Срок истёк { $due }. Строки по этому счёту не показываются, начисляется пеня.
task-invoice-link = К счёту
task-material-rejected = Замените отклонённый материал «{ $title }» строки { $line }
task-material-documents = Представьте документы к материалу «{ $title }» строки { $line }
task-line-stopped = { $name } ({ $line }) не показывается
task-line-link = К строке

## Order blanks
orders-title = Бланки заказов
orders-none = Бланков заказов пока нет.
order-word = Бланк заказа
order-title = Бланк заказа { $number }
order-lines = { $n ->
        [one] { $count } строка
        [few] { $count } строки
       *[other] { $count } строк
    }
order-made-out-on = Оформлен
order-signed-on = Подписан
order-term = Срок
blank-state-draft = Черновик
blank-state-offered = Предложен
blank-state-signed = Подписан
blank-state-in-service = Исполняется
blank-state-completed = Исполнен
blank-state-terminated = Расторгнут
blank-state-cancelled = Отменён

## Lines
line-kind-media = медийная реклама
line-kind-period = размещение по месяцам
line-kind-additional = дополнительная услуга
line-runs = Показывается
line-waits = Ждёт первого дня
line-stopped = Не показывается
line-why-not = Почему строка не показывается
line-spent-of = Израсходовано { $spent } из { $budget }
line-spent-of-month = Израсходовано { $spent } из { $budget } в этом месяце
line-today-of = Сегодня { $spent } при плане { $target }
line-days-of = Прошло дней срока: { $served } из { $whole }
line-today = Сегодня
line-as-of = по состоянию на
line-terms = Условия
line-term = Срок
line-ordered = заказано
line-price = Цена
line-budget = Бюджет (без НДС)
line-quantity = Количество
line-spent-in-all = Израсходовано всего (без НДС)
line-counted-in-all = Показов всего
line-places = Рекламные места
line-regions = Регионы
line-places-none = нет
line-regions-all = везде
price-per-thousand = { $sum } за 1 000 показов
price-per-month = { $sum } в месяц
price-once = { $sum } разово
budget-in-all = { $sum } на весь срок
budget-each-month = { $sum } на каждый месяц
figure-impressions = Показы
figure-spent = Израсходовано (без НДС)
figure-target = План
figure-share = Доля плана
figure-viewable = Видимые
figure-clicks = Переходы
not-running-not-signed = Бланк заказа не действует.
not-running-term-not-begun = Первый день ещё не наступил.
not-running-term-over = Последний день прошёл.
not-running-invoice-unpaid = Просрочен счёт, который её покрывает.
not-running-no-approved-material = Нет одобренного материала.
not-running-customer-suspended = Обслуживание вашей организации приостановлено.
not-running-consent-withdrawn = Согласие на обработку персональных данных отозвано.
not-running-paused = Она приостановлена.
not-running-terminated = Она прекращена.
not-running-budget-exhausted = Бюджет израсходован.

## Plot and days
plot-title = План и факт по дням
plot-description = С { $from } по { $to }: израсходовано { $spent }; ниже плана { $n ->
        [one] { $behind } день
        [few] { $behind } дня
       *[other] { $behind } дней
    }. Цифры — в таблице ниже.
plot-bar = { $day }: { $spent }
plot-actual = израсходовано
plot-target = план
plot-extra = экстра-период
plot-unit = сум в день без НДС
plot-none = Цифр пока нет: график начинается с первого дня срока.
days-caption = План и факт по дням, сум без НДС
days-day = День
days-target = План
days-spent = Факт
days-share = Доля
days-extra = экстра-период

## Extra period
extra-title = Экстра-период
extra-none = Экстра-период ещё не задавали.
extra-set-link = Задать экстра-период
extra-active = действует
extra-set-by = Задан
extra-switch-off = Отключить
extra-ended-expired = закончился в последний день
extra-ended-switched-off = отключён
extra-ended-exhausted = закончился: бюджет израсходован
extra-intro = Экстра-период расходует часть бюджета быстрее, до своего последнего дня. Затем строка возвращается к равномерному показу с остатком. Отключить его можно в любой момент.
extra-form = Что задать
extra-form-again = Изменить введённое
extra-first-day = Первый день
extra-first-day-hint = Оставьте пустым, чтобы начать сегодня.
extra-last-day = Последний день
extra-last-day-hint = Не позднее последнего дня строки.
extra-budget = Бюджет экстра-периода, сум без НДС
extra-budget-hint = Сейчас не израсходовано:
extra-preview = Показать влияние
extra-effect = Влияние
extra-effect-of = Если подтвердите:
extra-effect-now = В день сейчас
extra-effect-inside = В день внутри периода
extra-effect-after = В день после него
extra-effect-after-none = Ничего не останется
extra-effect-note = Прогноз по правилам равномерного показа. Израсходованное сегодня входит в экстра-период, который начинается сегодня; план каждого дня зависит от того, сколько израсходовано до него.
extra-confirm = Задать экстра-период
extra-refused-not-media = Экстра-период бывает только у медийной рекламы.
extra-refused-not-in-force = Бланк заказа не действует.
extra-refused-line-ended = Строка прекращена { $day }.
extra-refused-outside-term = Экстра-период задают в течение срока строки: { $first } – { $last }.
extra-refused-already-set = Экстра-период с { $first } по { $last } уже задан. Сначала отключите его.
extra-refused-first-day-past = Первый день не может быть раньше сегодняшнего, { $today }.
extra-refused-last-before-first = Последний день не может быть раньше первого, { $first }.
extra-refused-beyond-term = Последний день — не позднее { $last }, последнего дня строки.
extra-refused-not-positive = Введите сумму больше нуля.
extra-refused-over-budget = Это больше всего бюджета строки, { $limit }.
extra-refused-over-unspent = Это больше неизрасходованного остатка, { $limit }.

## Materials
materials-title = Рекламные материалы
materials-none = Материал ещё не представлен.
material-version = версия
material-live-from = показывается с
material-state-submitted = Представлен
material-state-in-review = На проверке
material-state-approved = Одобрен
material-state-rejected = Отклонён
material-state-documents-required = Нужны документы
material-state-documents-overdue = Документы просрочены
material-state-withdrawn = Одобрение отозвано
reason-language = Нет текста на государственном языке, или перевод крупнее него.
reason-foreign-currency = Цена указана в иностранной валюте.
reason-age-class = Не указана возрастная категория.
reason-forbidden-goods = Рекламировать эти товары или услуги запрещено.
reason-alcohol = Алкоголь рекламируется там, где это не разрешено.
reason-morals = Содержание оскорбительно, безнравственно или вредно для несовершеннолетних.
reason-untrue-content = Содержание недостоверно или не подтверждено.
reason-wrong-contacts = Неверный адрес или телефон.
reason-site-mismatch = Сайт не открывается или посвящён другому.
reason-licence-missing = Нет лицензии или сертификата.
reason-rights-missing = Нет прав на изображение человека, музыку, шрифт или фотографию.
reason-second-subject = Рекламируется второй предмет.
reason-quality = Изображение размыто, обрезано или нечитаемо.
reason-other = Другая причина:

## History
history-title = История
history-none = После подписания бланка ничего не менялось.
change-extra-period-set = Экстра-период задан
change-extra-period-ended = Экстра-период закончен
change-term-moved = Срок сдвинут
change-material-submitted = Материал представлен
change-material-decided = Решение по материалу

## Documents
documents-title = Документы
documents-none = Документов пока нет. Первый появится после окончания первого месяца с оказанными услугами.
document-issued-on = Выдан
document-verify = Проверить
document-kind-primary-document = Первичный документ
document-kind-vat-invoice = Счёт-фактура
document-kind-correction = Корректировочный документ
document-kind-reconciliation-act = Акт сверки
document-kind-penalty-claim = Требование об уплате пени
document-kind-refund = Возврат
document-state-issued = Выдан
document-state-sent = Отправлен
document-state-accepted = Принят
document-state-disputed = Оспаривается
document-state-corrected = Исправлен
document-state-upheld = Оставлен в силе

## Money
invoices-title = Счета на оплату
invoices-none = Счетов пока нет.
invoices-open-in-all = Всего к оплате:
invoice-word = Счёт
invoice-open = к оплате
invoice-paid = оплачено
invoice-issued-on = выставлен
invoice-due-on = срок оплаты
invoice-state-paid = Оплачен
invoice-state-open = Не оплачен
invoice-state-part = Оплачен частично
invoice-state-overdue = Просрочен
invoice-purpose = Оплата по счёту { $number } от { $day } по бланку заказа { $order } за рекламные услуги
payments-title = Платежи
payments-none = Платежей пока не поступало.
payment-received-on = Поступил
payment-amount = Сумма
payment-how = Способ
payment-invoice = По счёту
payment-allocated = Зачтено по счетам
payment-free = Свободно
payment-reference = Основание
payment-method-bank = банковский перевод
payment-method-cash = касса
payment-method-click = Click
payment-method-payme = Payme

## Verification
verify-title = Проверка документа
verify-intro = Каждый, у кого есть документ, может проверить, что он выдан нами и не изменён. Оба значения указаны на документе.
verify-number = Номер документа
verify-hash = Хеш (SHA-256)
verify-hash-hint = 64 знака, 0–9 и a–f
verify-button = Проверить
verify-genuine = Документ подлинный.
verify-not-genuine = Документ с таким номером и хешем не выдавался. Проверьте оба значения; если они верны, документ не подлинный.
verify-period = Период
verify-sum = Сумма

## Demo page
demo-title = Демо-страница
demo-intro = Ниже — страница небольшого городского справочника. Рекламные места на ней заполняет тег в браузере, как на сайте партнёра; каждый увиденный баннер учитывается один раз.
demo-where = Показы видны в кабинете заказчика, на странице строки:
demo-cabinet-link = открыть кабинет
demo-site = Shahar.demo
demo-site-more = Справочник города Ташкента: организации, услуги, места
demo-heading = Популярное сегодня
demo-teahouse = чайхана
demo-bookshop = книжный магазин
demo-clinic = клиника
demo-repair = сервис ремонта
demo-ads = Реклама на странице
demo-ad = Реклама
demo-no-places = Рекламных мест пока нет.
