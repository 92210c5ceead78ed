"""Look at the built site with Chromium: each page at 1400 and 390 px in both themes, then search, menu, theme and copy buttons.

    python .ci/browser.py        a line for each defect; exit 1 if there is one, 77 if there is no Chromium (nothing was checked)
"""
import shutil, sys, threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

DOCS, WIDE, PHONE = Path('_docs'), dict(width=1400, height=900), dict(width=390, height=844)

LAYOUT = '''() => {
  const bad = [], root = document.documentElement, h1 = document.querySelector('h1, h2'), box = h1.getBoundingClientRect()
  for (const e of [root, document.querySelector('.content')])
    if (e.scrollWidth > e.clientWidth) bad.push(`${e.scrollWidth - e.clientWidth} px wider than the screen`)
  const top = document.elementFromPoint(box.left + 5, box.top + box.height/2)
  if (box.bottom > innerHeight || !h1.contains(top)) bad.push('the heading is not in the first screen')
  if (root.lang != 'en') bad.push(`lang is "${root.lang}"`)
  for (const i of document.images) if (!i.alt.trim()) bad.push(`no alt text: ${i.getAttribute('src')}`)
  return bad }'''
CONTRAST = '''() => {
  const rgba = c => { const [r, g, b, a = 1] = c.match(/[\\d.]+/g).map(Number); return [r, g, b, a] }
  const over = (f, b) => [0, 1, 2].map(i => f[i]*f[3] + b[i]*(1 - f[3])).concat(1)
  const light = c => [.2126, .7152, .0722].reduce((s, w, i) => s + w*(c[i] <= 10 ? c[i]/3294.6 : ((c[i]/255 + .055)/1.055)**2.4), 0)
  const grounds = new Map()
  const ground = e => { if (!e) return [255, 255, 255, 1]
    if (!grounds.has(e)) grounds.set(e, over(rgba(getComputedStyle(e).backgroundColor), ground(e.parentElement)))
    return grounds.get(e) }
  const bad = new Map(), texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), seen = new Set()
  while (texts.nextNode()) { const t = texts.currentNode, e = t.parentElement
    if (!t.data.trim() || seen.has(e) || /SCRIPT|STYLE|NOSCRIPT/.test(e.tagName)) continue
    seen.add(e)
    if (!e.checkVisibility({visibilityProperty: true, opacityProperty: true})) continue
    const back = ground(e), [x, y] = [light(over(rgba(getComputedStyle(e).color), back)), light(back)].sort((a, b) => b - a)
    const ratio = (x + .05)/(y + .05), key = `${e.tagName}.${e.className}`
    if (ratio < 4.5 && !bad.has(key)) bad.set(key, `contrast ${ratio.toFixed(1)}: ${key} "${t.data.trim().slice(0, 30)}"`) }
  return [...bad.values()] }'''

def serve():
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_): pass
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Quiet, directory=DOCS))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f'http://127.0.0.1:{server.server_port}/'

def looks(page, name):
    "Defects of one page."
    for size in (PHONE, WIDE):
        page.set_viewport_size(size)
        yield from (f'{name}, {size["width"]} px: {x}' for x in page.evaluate(LAYOUT))
    for theme in ('light', 'dark'):
        page.evaluate(f'document.body.dataset.theme = "{theme}"')
        yield from (f'{name}, {theme}: {x}' for x in page.evaluate(CONTRAST))

def works(page, home):
    "What a reader does; raises on the first that fails."
    page.goto(home + 'index.html')
    page.locator('.sidebar-search').fill('CMELayer'); page.keyboard.press('Enter')
    page.locator('#search-results a', has_text='CMELayer').first.click()
    expect(page.locator('h3#cmelayer, #cmelayer > h3')).to_be_in_viewport()
    expect(page.locator('.sidebar-tree .current-page').first).to_be_in_viewport()      # side bars stay
    expect(page.locator('.toc-tree .scroll-current').first).to_be_in_viewport()
    code = page.locator('div.highlight', has_text='class CMELayer').first
    code.hover(); code.locator('.copybtn').click()
    assert page.evaluate('navigator.clipboard.readText()').startswith('class CMELayer'), 'copy button'
    page.locator('.theme-toggle:visible').first.click()
    expect(page.locator('body')).not_to_have_attribute('data-theme', 'auto')
    page.set_viewport_size(PHONE)
    expect(page.locator('.sidebar-search')).not_to_be_in_viewport()
    page.locator('.mobile-header .nav-overlay-icon').click()
    expect(page.locator('.sidebar-search')).to_be_in_viewport()
    page.locator('.sidebar-tree a', has_text='Losses').click()
    expect(page.locator('h1')).to_contain_text('Losses')

def main():
    chromium = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
    if not chromium: print('browser checks skipped: no Chromium on this machine'); return 77
    home, bad = serve(), []
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium, args=['--no-sandbox'])
        page = browser.new_context(permissions=['clipboard-read', 'clipboard-write']).new_page()
        page.on('pageerror', lambda e: bad.append(f'{page.url}: {e}'))
        page.on('request', lambda r: r.url.startswith((home, 'data:')) or bad.append(f'{page.url}: fetches {r.url}'))
        page.on('response', lambda r: r.status < 400 or bad.append(f'{page.url}: {r.status} {r.url}'))
        names = sorted(f.relative_to(DOCS).as_posix() for f in DOCS.rglob('*.html'))
        for name in names:
            page.goto(home + name + '?q=CMELayer'); page.wait_for_selector('h1, h2'); bad += looks(page, name)
        works(page, home)
        browser.close()
    print(*bad, sep='\n', end='\n' if bad else '')
    print(f'browser: {len(names)} pages at two widths in two themes, {len(bad)} defects')
    return bool(bad)

if __name__ == '__main__': sys.exit(main())
