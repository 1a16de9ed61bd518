# Страница рекламных материалов. Каждый ключ есть в каждом языке; их сравнивает тест.

## Why a line is not shown: its material
not-running-no-material = Рекламный материал ещё не представлен.
not-running-material-in-review = Материал на проверке у модератора.
not-running-material-rejected = Материал отклонён.
not-running-material-withdrawn = Одобрение материала отозвано.
not-running-documents-required = Ожидаются копии лицензий или сертификатов.
not-running-documents-overdue = Копии лицензий или сертификатов не поступили в срок.
not-running-licence-expired = Срок лицензии или сертификата истёк.
not-running-licence-revoked = Лицензия или сертификат отозваны.
not-running-awaiting-amendment = Ожидается дополнительное соглашение с пересмотренной ценой за второй предмет рекламы.
not-running-material-not-live-yet = Материал представлен поздно: его первый день ещё не наступил.
not-running-force-majeure = Услуга приостановлена из-за форс-мажора.

## Materials
materials-link = Материалы и документы
materials-due = Если материал поступит до конца дня { $day }, строка начнётся вовремя; при опоздании срок сдвигается.
materials-change-from = Новая версия, поданная сегодня, будет показываться с { $day }; до этого дня идёт прежняя, срок не продлевается.
materials-change-too-late = Новая версия, поданная сегодня, уже не успеет показаться до конца срока строки.
materials-form-first = Подать материал
materials-form-change = Подать новую версию
materials-bytes-max = не более { $bytes } байт
materials-chars-max = не более { $chars } знаков
materials-field-title = Заголовок
materials-field-title-hint = Текст, который читают вместо изображения, или заголовок текста, не более 120 знаков.
materials-field-body = Текст
materials-field-body-hint = На государственном языке; перевод не должен быть крупнее.
materials-field-url = Ссылка
materials-field-url-hint = Начинается с https://
materials-field-file = Файл изображения
materials-field-file-hint = PNG, JPEG, GIF или WebP, без анимации.
materials-submit = Отправить на проверку
materials-responsibility = Одобрение не меняет ответственности: за содержание материала, его законность и права третьих лиц отвечает заказчик.
materials-papers-due = Передайте копии запрошенных документов до конца дня { $day }; после этого материал не показывается.
materials-awaiting-amendment = В материале рекламируется второй предмет. Он будет показан после письменного согласия оператора и дополнительного соглашения с пересмотренной ценой.

## Licences and certificates
licences-title = Лицензии и сертификаты
licences-none = Документы не представлены.
licence-until = действует по
licence-replaced = Заменён новым
licence-revoked = Отозван
licence-expired = Срок истёк
licence-report-revoked = Сообщить об отзыве
licence-attach = Передать копию документа
licence-field-kind = Вид документа
licence-field-number = Номер
licence-field-issuer = Кем выдан
licence-field-issued = Дата выдачи (если есть)
licence-field-expires = Последний день действия
licence-field-replaces = Вместо какого документа
licence-replaces-none = Не вместо другого
licence-field-file = Копия: PDF, JPEG или PNG
licence-kind-licence = Лицензия
licence-kind-certificate = Сертификат
licence-kind-permit = Разрешение
licence-kind-declaration = Декларация соответствия
licence-kind-consent = Согласие
licence-kind-other = Другой документ

## What is refused
material-refused-missing = Заполните это поле.
material-refused-too-long = Слишком длинно: не более { $limit }.
material-refused-control-character = В тексте есть управляющий символ.
material-refused-bad-target-url = Укажите полную ссылку, которая начинается с https://
material-refused-file-of-another-type = Файл другого типа. Принимаются: { $limit }.
material-refused-active-content = В файле есть скрипт или другой активный код.
material-refused-data-after-image = После конца изображения в файле есть другие данные.
material-refused-image-is-animated = Изображение анимировано; нужно неподвижное.
material-refused-file-is-broken = Файл повреждён или неполон.
material-refused-file-too-heavy = Файл слишком большой: не более { $limit }.
material-refused-image-of-wrong-size = Размер изображения не подходит, нужно: { $limit }.
material-refused-file-missing = Выберите файл.
material-refused-file-not-expected = Этот материал подаётся без файла.
material-refused-body-missing = Введите текст.
material-refused-body-not-expected = Этот материал подаётся без текста.
material-refused-material-of-another-kind = Места строки показывают материал другого вида: { $limit }.
material-refused-line-takes-no-material = Для этой строки материал не нужен.
material-refused-order-blank-not-in-force = Бланк заказа не действует.
material-refused-line-over = Срок строки закончился.
material-refused-material-too-late = Новая версия не успеет показаться до последнего дня строки ({ $limit }).
material-refused-too-many-versions = Достигнуто предельное число версий: { $limit }.
material-refused-material-closed = Эта версия закрыта. Подайте новую версию вместе с документами.
material-refused-document-expired = Срок действия документа истёк.
material-refused-expiry-out-of-range = Последний день не может быть позже { $limit }.
material-refused-issue-date-out-of-range = Дата выдачи не может быть позже сегодняшнего и последнего дня действия.
material-refused-document-lasts-no-longer = Новый документ должен действовать дольше прежнего ({ $limit }).
material-refused-no-document-to-replace = Заменяемого документа нет, или он уже заменён.
material-refused-too-many-documents = Достигнуто предельное число документов: { $limit }.
material-refused-document-already-revoked = Об отзыве документа уже сообщили.
material-refused-document-replaced = Вместо этого документа подан другой.

## Shown once, and the history of a line
flash-material-submitted = Материал подан и передан модератору.
flash-document-attached = Документ передан.
flash-document-revoked = Сообщение принято. Показ материала остановится за несколько секунд.
change-document-attached = Передан документ
change-document-revoked = Сообщено об отзыве документа
change-documents-overdue = Документы просрочены
change-licence-expired = Срок лицензии или сертификата истёк
change-second-subject-flagged = Обнаружен второй предмет рекламы
change-second-subject-cleared = Дано согласие на второй предмет
