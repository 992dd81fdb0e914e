//! The page around every mail's body. Styles stand inside, for mail programs load nothing.

const BEFORE: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n\
<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
<meta name=\"color-scheme\" content=\"light dark\">\n<style>\n\
body{margin:0;padding:24px 16px;background:#faf9f7;color:#1b1a17;font:16px/24px system-ui,-apple-system,'Segoe UI',sans-serif}\n\
.sheet{max-width:520px;margin:0 auto;padding:24px;background:#fff;border:1px solid #e5e1da;border-radius:10px}\n\
p{margin:0 0 16px}\na{color:#0a656c}\n\
a.btn{display:inline-block;padding:8px 16px;border-radius:7px;background:#0b6e75;color:#fff!important;font-weight:600;text-decoration:none}\n\
.hidden{display:none!important}\n\
@media(prefers-color-scheme:dark){body{background:#0e1112;color:#ecefee}.sheet{background:#14181a;border-color:#262d2f}\
a{color:#63d0cc}a.btn{background:#3db8b6;color:#04211f!important}}\n\
</style>\n</head>\n<body>\n<div class=\"sheet\">\n";
const AFTER: &str = "\n</div>\n</body>\n</html>\n";

/// A body as a whole page.
pub(super) fn page(body: &str) -> String {
    [BEFORE, body, AFTER].concat()
}
