// All tests of the pages, one after the other in one browser: `node --test-reporter=tap tests/pages/all.mjs`.

import "./texts.test.mjs";
import "./session.test.mjs";
import "./journey.test.mjs";
import "./uploads.test.mjs";
import "./ends.test.mjs";
import "./versions.test.mjs";
import "./lost.test.mjs";
import "./names.test.mjs";
import "./everyone.test.mjs";
