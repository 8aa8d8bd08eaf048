"""The page of a wave in a real browser: search, sort, keyboard, and what a reader's ear needs.

Chromium is driven through its own DevTools protocol, without a network (``tests/browser.py``).
"""

from pathlib import Path

import pytest
from browser import NEEDED, axe

from sipas_analysis.figures.published import figures_of
from sipas_analysis.reports.portal import write_portal
from sipas_analysis.reports.portal_files import ReportOutcome

pytestmark = NEEDED


@pytest.fixture(scope="module")
def page(tmp_path_factory, demo_2021):
    """The portal of the demo wave, with a file for every link and one unit that failed."""
    folder = tmp_path_factory.mktemp("out")
    figures = figures_of(demo_2021)
    made = []
    for unit in ("", *figures.ranking["unit"]):
        place = f"units/{unit}" if unit else "province"
        files = {
            (kind, lang): f"{place}/report.{lang}.{kind}"
            for kind in ("html", "pdf")
            for lang in ("vi", "en")
        }
        for file in files.values():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text("x")
        made.append(ReportOutcome(unit, files))
    made[5] = ReportOutcome(made[5].unit, {}, "no space left")
    return write_portal(figures, made, folder / "index.html", ("vi", "en"))


@pytest.fixture
def tab(browser, page):
    """The portal, freshly opened."""
    browser.open(page)
    return browser


def names(tab):
    """Return the names of the units that are shown, in their order."""
    return tab.run(
        "[...document.querySelectorAll('#list tbody tr')].filter(r => !r.hidden)"
        ".map(r => r.cells[0].innerText)"
    )


def test_the_page_asks_no_network_and_complains_of_nothing(tab, page):
    """Only the file itself is fetched, with its pictures inside; no error is in the console."""
    asked = [
        it["params"]["request"]["url"]
        for it in tab.said
        if it["method"] == "Network.requestWillBeSent"
    ]
    assert [url for url in asked if url != page.as_uri() and not url.startswith("data:")] == []
    bad = [it for it in tab.said if it["method"] in ("Runtime.exceptionThrown", "Log.entryAdded")]
    assert bad == []
    assert len(names(tab)) == 29


def test_search_does_without_accents_and_says_how_many_are_shown(tab):
    """“an phu” finds An Phú and not Phú Tân, “doc” Đốc; the live region counts."""
    tab.run("document.getElementById('search').focus()")
    tab.type("an phu")
    assert names(tab) == ["Huyện An Phú (mô phỏng)"]
    assert tab.run("document.getElementById('shown').innerText") == "Đang hiện 1 trong 29 đơn vị."
    tab.run("document.getElementById('search').select()")
    tab.type("DOC chau")
    assert names(tab) == ["TP. Châu Đốc"]
    tab.run("document.getElementById('search').select()")
    tab.type("không có đâu")
    assert names(tab) == []
    assert tab.run("document.getElementById('shown').getAttribute('aria-live')") == "polite"


def test_columns_sort_by_keyboard_and_say_how(tab):
    """Tab to a real button, Enter, aria-sort; again turns round; another column takes over."""
    tab.run("document.querySelector('[data-key=index]').focus()")
    tab.press("Enter")
    values = "[...document.querySelectorAll('#list tbody tr')].map(r => +r.dataset.index)"
    assert tab.run(values) == sorted(tab.run(values), reverse=True)
    assert tab.run("document.querySelectorAll('#list th')[2].ariaSort") == "descending"
    tab.press(" ")
    assert tab.run(values) == sorted(tab.run(values))
    tab.run("document.querySelector('[data-key=name]').focus()")
    tab.press("Enter")
    assert names(tab)[0].startswith("Ban Quản lý")
    sorts = "[...document.querySelectorAll('#list th[aria-sort]')].map(h => h.ariaSort)"
    assert tab.run(sorts) == ["ascending", "none", "none", "none", "none"]


def test_ranks_are_sorted_within_their_group(tab):
    """Groups are ranked apart: the first district does not stand beside the first department."""
    tab.run("document.querySelector('[data-key=rank]').click()")
    tab.run("document.querySelector('[data-key=rank]').click()")
    ranks = tab.run("[...document.querySelectorAll('#list tbody tr')].map(r => +r.dataset.rank)")
    assert ranks == [*range(18, 0, -1), *range(11, 0, -1)]


def test_a_group_can_be_chosen_with_the_arrow_keys(tab):
    """Radio buttons as everywhere."""
    tab.run("document.querySelector('[name=group]').focus()")
    tab.press("ArrowRight")
    assert len(names(tab)) == 18
    tab.press("ArrowRight")
    assert len(names(tab)) == 11


def test_the_language_changes_texts_numbers_title_and_lang(tab):
    """One page, two languages; what is not read is not in the way of a screen reader."""
    tab.run("document.getElementById('in-en').click()")
    assert tab.run("document.documentElement.lang") == "en"
    assert tab.run("document.title") == "An Giang satisfaction index 2021 (synthetic data)"
    text = tab.run("document.body.innerText")
    assert "94.59" in text
    assert "94,59" not in text
    assert "29 of 29 units shown." in text
    assert "Đang hiện" not in text


def test_a_unit_has_one_menu_of_files_and_every_link_leads_to_one(tab, page):
    """In the language of the page; each link names unit, document and format."""
    tab.run("document.querySelectorAll('.menu').forEach(menu => menu.open = true)")
    links = tab.run(
        "[...document.querySelectorAll('#list a')].filter(a => a.checkVisibility()).map(a => "
        "[a.href, a.getAttribute('aria-labelledby')?.split(' ')"
        ".map(i => document.getElementById(i)?.innerText).join(' ') ?? a.innerText])"
    )
    assert len(links) == 28 * 3
    assert {bool(Path(url.removeprefix("file://")).is_file()) for url, _ in links} == {True}
    assert all(".vi." in url for url, _ in links)
    assert len({name for _, name in links}) == len(links)
    assert "Báo cáo (PDF) TP. Châu Đốc" in {name for _, name in links}
    assert tab.run("document.querySelectorAll('.menu').length") == 28


def test_every_stop_of_the_tab_key_is_seen(tab):
    """Focus starts at the skip link, goes through the controls, and shows where it is."""
    stops = []
    for _ in range(12):
        tab.press("Tab")
        stops.append(
            tab.run(
                "(() => {const a = document.activeElement, s = getComputedStyle(a);"
                "return [a.id || a.className || a.dataset.key || a.name || a.href,"
                "s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2]})()"
            )
        )
    assert stops[0][0] == "skip"
    assert [name for name, seen in stops[1:] if not seen] == []
    assert "in-vi" in [name for name, _ in stops]


CHECKS = """
(() => {
  const wrong = [];
  const shown = (e) => e.checkVisibility({visibilityProperty: true, opacityProperty: true});
  const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
  for (const id of new Set(ids)) if (ids.filter(i => i === id).length > 1) wrong.push('id ' + id);
  for (const e of document.querySelectorAll('[aria-labelledby]'))
    for (const id of e.getAttribute('aria-labelledby').split(' '))
      if (!ids.includes(id)) wrong.push('labelledby ' + id);
  let last = 0;
  for (const h of document.querySelectorAll('h1,h2,h3,h4')) {
    const level = +h.tagName[1];
    if (level > last + 1 || !h.innerText.trim()) wrong.push('heading ' + h.innerText);
    last = level;
  }
  if (document.querySelectorAll('h1').length !== 1) wrong.push('h1');
  for (const e of document.querySelectorAll('button,a,input')) {
    const name = (e.labels?.length ? [...e.labels].map(l => l.innerText).join(' ') : e.innerText);
    if (shown(e) && !name.trim()) wrong.push('name ' + e.outerHTML);
    if (shown(e) && e.tabIndex < 0) wrong.push('not reached ' + e.outerHTML);
  }
  for (const f of document.querySelectorAll('fieldset'))
    if (!f.querySelector('legend')?.innerText.trim()) wrong.push('legend');
  for (const t of document.querySelectorAll('th')) if (!t.scope) wrong.push('scope');
  for (const s of document.querySelectorAll('svg'))
    if (s.getAttribute('aria-hidden') !== 'true' || !s.parentElement.innerText.trim())
      wrong.push('svg without text');
  const light = (c) => {
    const [r, g, b] = c.match(/[\\d.]+/g).map(x => x / 255)
      .map(x => x <= .04045 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor;
      if (!/, 0\\)$/.test(c)) return c;
    }
    return 'rgb(255, 255, 255)';
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !shown(e) || e.tagName === 'SCRIPT') continue;
    const style = getComputedStyle(e);
    const [a, b] = [light(e.closest('svg') ? style.fill : style.color), light(behind(e))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    seen += 1;
    if (ratio < 4.5) wrong.push('contrast ' + ratio.toFixed(2) + ' ' + walk.currentNode.data);
    if (!e.closest('[lang]')) wrong.push('lang ' + walk.currentNode.data);
  }
  if (seen < 200) wrong.push('only ' + seen + ' texts seen');
  return wrong;
})()
"""


@pytest.mark.parametrize("language", ["vi", "en"])
def test_who_cannot_see_the_page_can_use_it(tab, language):
    """Names, headings, scopes, ids, languages and contrast (4.5 to 1), as WCAG 2.2 AA asks."""
    tab.run(f"document.getElementById('in-{language}').click()")
    assert tab.run(CHECKS) == []


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("language", ["vi", "en"])
def test_axe_finds_nothing(browser, page, language, width):
    """The rules of axe-core, with every menu open."""
    browser.open(page, width=width)
    browser.run(f"document.getElementById('in-{language}').click()")
    browser.run("document.querySelectorAll('details').forEach(menu => menu.open = true)")
    assert axe(browser) == []


def test_a_phone_shows_the_main_facts_without_scrolling(browser, page):
    """Rank, name, letter and index stand on the first line of a unit (390 pixels)."""
    browser.open(page, width=390)
    cells = browser.run(
        "['rank', 'name', 'grade', 'index'].map(kind => document.querySelector("
        "'#list tbody .' + kind).getBoundingClientRect()).map(r => [r.left, r.right, r.top])"
    )
    assert [left for left, _, _ in cells] == sorted(left for left, _, _ in cells)
    assert max(right for _, right, _ in cells) <= 390
    assert len({top for _, _, top in cells}) == 1
    assert browser.run("document.querySelector('#units .wide').scrollWidth <= 390")


def test_a_narrow_screen_does_not_scroll_the_page(browser, page):
    """At 320 CSS pixels (WCAG 1.4.10) nothing but a table scrolls sideways."""
    browser.open(page, width=320)
    assert browser.run("document.documentElement.scrollWidth") <= 320


def test_without_scripts_all_rows_are_there_and_the_language_still_changes(browser, page):
    """Controls that would do nothing are not offered."""
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(page)
        assert len(names(browser)) == 29
        assert not browser.run("document.querySelector('.controls').checkVisibility()")
        assert browser.run("document.querySelector('#list button').disabled")
        browser.run("document.getElementById('in-en').click()")
        assert "94.59" in browser.run("document.body.innerText")
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
