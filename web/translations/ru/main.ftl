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
nav-notices = Уведомления
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
flash-budget-increased = Бюджет увеличен. Новый план вступит в силу через несколько секунд.
flash-budget-invoiced = Запрос принят. Бюджет увеличится после оплаты счёта.
flash-budget-asked = Этот запрос уже принят.
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

# Budget increase
increase-title = Увеличить бюджет
increase-none = Бюджет ещё не увеличивали.
increase-heading = Бюджет
increase-intro = Добавленная сумма с НДС берётся из свободного аванса, а у месячного бюджета — и из денег, внесённых за следующие месяцы. Если их хватает, новый бюджет действует сразу; если нет, на недостающую сумму выставляется счёт на 30 дней.
increase-form = Сколько добавить
increase-amount = Сколько добавить, сум без НДС
increase-amount-monthly = Сумма добавляется к каждому месяцу, начиная с текущего.
increase-show = Показать расчёт
increase-preview = Если подтвердите
increase-now = Бюджет сейчас
increase-raised = Новый бюджет
increase-from = с
increase-added = Добавляется без НДС
increase-added-gross = С НДС
increase-free = Свободный аванс
increase-covered = Из свободного аванса
increase-borrowed = Из денег следующих месяцев
increase-missing = Осталось внести
increase-due = Внести не позднее
increase-at-once = Новый бюджет вступит в силу через несколько секунд.
increase-when-paid = Новый бюджет вступит в силу после оплаты счёта; без оплаты в срок запрос отменяется.
increase-later = Счета за следующие месяцы
increase-confirm = Пополнить
increase-asked-by = Запрошено:
increase-state-pending = ждёт оплаты
increase-state-in-force = действует
increase-state-lapsed = не оплачено, отменено
increase-note-pending = Внесите { $sum } до { $day } включительно
increase-note-in-force = { $before } → { $after }
increase-refused-not-media = Бюджет есть только у медийной рекламы.
increase-refused-term-over = Срок строки закончился { $day }.
increase-refused-over-limit = Бюджет не может быть больше { $limit }.
increase-refused-pending = Предыдущий запрос по этой строке ещё ждёт оплаты.

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

## History
history-title = История
history-none = После подписания бланка ничего не менялось.
change-extra-period-set = Экстра-период задан
change-extra-period-ended = Экстра-период закончен
change-budget-increased = Бюджет увеличен
change-budget-increase-requested = Запрошено увеличение бюджета
change-budget-increase-lapsed = Запрос на увеличение бюджета отменён без оплаты
change-term-moved = Срок сдвинут
change-material-submitted = Материал представлен
change-material-decided = Решение по материалу

## Documents
documents-title = Документы
documents-none = Документов пока нет. Первый появится после окончания первого месяца с оказанными услугами.
document-issued-on = Выдан
document-verify = Проверить
document-einvoice = Электронный счёт-фактура (JSON)
document-objection = Возражение
objection-title = Возражение по документу
objection-intro = Если количество или суммы неверны, сообщите об этом письменно здесь. Без возражения услуги считаются принятыми полностью.
objection-countdown = { $n ->
        [one] Остался { $n } день
        [few] Осталось { $n } дня
       *[other] Осталось { $n } дней
    }: возражения принимаются до конца дня { $day }.
objection-over = Возражения принимались до конца дня { $day }.
objection-exists = По этому документу уже есть возражение.
objection-reasons = Что неверно и почему
objection-reasons-hint = Укажите договор, услугу и цифры, которые считаете верными; не более 4 000 знаков.
objection-send = Возразить
objection-made-on = Возражение от
objection-open = Мы разбираемся; решение появится здесь.
objection-upheld = Удовлетворено: выпущен корректировочный документ
objection-rejected = Отклонено: документ остаётся в силе
flash-objection-made = Ваше возражение записано.
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
invoice-state-void = Аннулирован
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

# Signing, amendments
order-waits-for-signature = Бланк заказа ждёт вашей подписи.
order-sign-link = Прочитать и подписать
order-papers = Документ
order-scan = Скан подписанной бумаги
order-terms-file = Условия (JSON)
amendments-title = Изменения
amendment-name = Изменение № { $number }
amendment-state-draft = проект
amendment-state-offered = ждёт подписи
amendment-state-signed = действует
amendment-state-cancelled = отменено
amended-line = Позиция
amended-added = К доплате
amended-previous = Хеш предыдущего текста (SHA-256)
amended-all = без ограничений
amended-field-unit-price = Цена
amended-field-first-day = Первый день
amended-field-last-day = Последний день
amended-field-budget = Бюджет
amended-field-quantity = Количество
amended-field-placements = Места
amended-field-regions = Регионы
amended-field-rubrics = Рубрики
amended-field-search-phrases = Поисковые слова
amended-field-schedule = Время показа
amended-field-frequency-cap = Одному зрителю в день
sign-title = Подписание бланка заказа { $number }
sign-intro = Прочитайте бланк до конца. После подписи он становится договором, и выставляются счета.
sign-lines = Что заказывается
sign-net = Без НДС
sign-vat = НДС
sign-gross = Итого
sign-frequency = Частота
sign-hash = Хеш условий (SHA-256)
sign-heading = Подпись
sign-code-intro = Код для подписи отправляется на адрес:
sign-send-code = Отправить код
sign-password = Ваш пароль
sign-password-hint = Пароль от кабинета, ещё раз.
sign-password-wrong = Неверный пароль.
sign-code = Код из письма
sign-code-hint = Шесть цифр; действует 10 минут, 5 попыток.
sign-button = Подписать
sign-owner-only = Подписать может только владелец.
decline-heading = Отказ
decline-reason = Причина
decline-button = Отклонить предложение
flash-code-sent = Код отправлен. Проверьте почту.
flash-order-signed = Бланк заказа подписан. Счета ниже.
flash-order-declined = Предложение отклонено.
flash-amendment-signed = Изменение подписано и действует.
flash-amendment-declined = Изменение отклонено.
sign-refused-other = Подписать нельзя: { $reason }
sign-refused-signing-code-expired = Код истёк или ещё не отправлен. Запросите новый.
sign-refused-signing-code-attempts = Попытки закончились. Запросите новый код.
sign-refused-signing-code-wrong = Неверный код.
sign-refused-signing-code-too-often = Код уже отправлен. Запросите новый немного позже.
sign-refused-terms-changed = Пока вы читали, условия изменились. Прочитайте их снова.
sign-refused-order-blank-not-offered = Бланк не предложен к подписи или уже подписан.
sign-refused-order-blank-already-signed = Бланк уже подписан.
sign-refused-order-blank-already-cancelled = Бланк уже отменён.
sign-refused-order-blank-terminated = Договор расторгнут.
sign-refused-order-blank-completed = Договор исполнен.
sign-refused-due-before-signing = Срок оплаты уже прошёл. Попросите исполнителя о новом бланке.
sign-refused-own-term-before-signing = Срок оплаты в бланке уже прошёл. Попросите исполнителя о новом бланке.
sign-refused-amendment-already-signed = Изменение уже подписано.
sign-refused-amendment-cancelled = Изменение отменено.
sign-refused-line-has-ended = Срок позиции закончился.
sign-refused-term-in-the-past = Новый срок уже прошёл.
sign-refused-budget-below-spent = Новый бюджет меньше израсходованного.
sign-refused-price-after-first-impression = По согласованной цене уже были показы: цена больше не меняется.
sign-refused-price-after-begin = Услуга началась: цена больше не меняется.
sign-refused-extra-period-is-set = Задан экстра-период: сначала отключите его.
verify-amendment = Изменение к бланку заказа
change-budget-decreased = Бюджет уменьшен
change-amended = Подписано изменение

# Notices, rules and prices
notices-title = Уведомления
notices-none = Уведомлений пока нет.
notice-read = Прочитано
notice-mark-read = Отметить прочитанным
rules-title = Правила
rules-edition = Редакция № { $number } правил
rules-dates = Опубликована { $published }, действует с { $from }
rules-history = Все редакции
in-force = Действует
prices-title = Прайс-лист
prices-from = Прайс-лист с { $from }
prices-net = Цены без НДС; НДС начисляется сверху.
prices-final = Цены окончательные.
prices-code = Код
prices-service = Услуга
prices-unit = Единица
prices-price = Цена, сум
prices-groups = Ценовые группы
prices-group = город: { $city }; категория: { $category }; коэффициент { $coefficient }
prices-archive = Архив
prices-on = Действовал на дату
prices-show = Показать
prices-shown = Показан
unit-thousand-impressions = 1 000 показов
unit-month = месяц
unit-piece = штука

## Возвраты
refunds-title = Возвраты и расчёты
refund-possible = Можно вернуть сейчас
refund-ask-heading = Запросить возврат
refund-rules = Неиспользованный аванс возвращается в течение 30 календарных дней, только на ваш собственный расчётный счёт и только если у вас нет задолженности ни по одному договору.
refund-waits = Договор прекращается { $day }: остаток станет известен тогда, сумма будет определена в этот день.
refund-hindered-by-debt = Ваша задолженность по договорам: { $sum }. Возврат производится только без задолженности.
refund-ask = Запросить возврат
refund-requests = Заявления
refund-requested-on = Заявление от
refund-take-back = Отозвать
refund-note-waits = Сумма будет определена с прекращением договора { $day }; срок возврата до { $due }.
refund-note-due = Срок возврата до { $due }.
refund-note-paid = Выплачено { $day } на счёт { $account }.
refund-state-requested = Подано
refund-state-fixed = Сумма определена
refund-state-paid = Выплачено
refund-state-cancelled = Отозвано
refund-state-refused = Отказано
refund-refused-customer-has-debt = Есть задолженность по договору.
refund-refused-nothing-to-refund = Возвращать нечего.
refund-refused-no-settlement-account = Ваш расчётный счёт не указан: возврат производится только на собственный счёт.
refund-refused-refund-already-requested = Предыдущее заявление ещё не закрыто.
flash-refund-requested = Заявление принято.
flash-refund-cancelled = Заявление отозвано.
settlements-title = Расчёты по прекращённым договорам
settlement-contract = Договор
settlement-ended-on = Прекращён
settlement-paid = Оплачено
settlement-rendered = Оказано услуг
settlement-surplus = К возврату
settlement-debt = Долг
settlement-due-on = Срок расчёта

termination-title = Расторгнуть договор
termination-intro = Выберите, что прекращается и на каком основании. Первый день без услуг вы увидите до отправки.
termination-form = Уведомление о расторжении
termination-what = Что прекращается
termination-what-hint = Весь договор, только дополнительные услуги или одна позиция.
termination-contract = Весь договор
termination-additional = Только дополнительные услуги
termination-ground = Основание
termination-ground-hint = Обычному отказу причина не нужна.
termination-ground-ordinary = Обычный отказ
termination-ground-agreement = По соглашению, в день, который мы подтвердим
termination-ground-corruption = Антикоррупционная оговорка
termination-day = Первый день без услуг
termination-day-hint = Только для соглашения; иначе день определяют правила.
termination-comment = Комментарий
termination-comment-hint = Для антикоррупционной оговорки опишите факты.
termination-show = Показать день
termination-preview = Первый день без услуг
termination-by-itself = закончится раньше сама
termination-notice-note = Услуги до этого дня оплачиваются; остаток аванса возвращается по вашему запросу. Уведомление нельзя отозвать.
termination-proposal-note = До нашего подтверждения ничего не прекращается.
termination-confirm = Отправить уведомление
termination-propose = Отправить предложение
termination-refused-termination-too-early = Самый ранний день — { $limit }.
termination-refused-termination-no-lines = Прекращать нечего.
termination-refused-termination-already-over = Уже закончено: последний день — { $limit }.
termination-refused-termination-ends-already = Прежнее уведомление прекращает это { $limit }; позднейшее не отодвигает срок.
termination-refused-termination-ends-by-itself = Закончится само { $limit }, раньше, чем подействует уведомление.
termination-refused-order-blank-not-in-force = Договор не действует.
termination-refused-missing = Заполните это поле.
flash-termination-noticed = Уведомление отправлено. Позиции прекращаются в указанные дни.
flash-termination-proposed = Предложение отправлено. Мы подтвердим его или ответим.
flash-line-paused = Позиция приостановлена. Показ прекратится за секунды.
flash-line-resumed = Показ возобновится за секунды.
line-pause = Приостановить
line-resume = Возобновить
change-termination-notice = Уведомление о расторжении
change-paused = Приостановлено
change-resumed = Возобновлено
