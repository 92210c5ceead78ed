"""Use the page of `mmml demo` with Chromium as a visitor does: load, upload, predict, a damaged file, a recording, the sample, a phone.

    python .ci/demo.py [FOLDER]  a line for each defect; exit 1 if there is one, 77 if there is no Chromium. FOLDER: for screenshots
"""
import shutil, socket, sys, tempfile
from pathlib import Path

import torch
from playwright.sync_api import expect, sync_playwright

from mmml.data.spec import SAMPLE
from mmml.inference.demo import examples, show_page
from mmml.models.mmml import from_encoders, save_model
from mmml.models.processor import load

WIDE, PHONE = dict(width=1400, height=1000), dict(width=390, height=844)

def untrained(folder):
    torch.manual_seed(0)
    save_model(folder, *from_encoders(SAMPLE.parent/'tiny'/'text', SAMPLE.parent/'tiny'/'audio', num_cme_layers=1))
    return load(folder)

def too_wide(page, where):
    n = page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
    return [f'{where}: {n} px wider than the screen'] if n > 0 else []

def visit(browser, home, damaged, shots):
    "Defects that a visitor meets; raises on the first step that fails."
    expect.set_options(timeout=20_000) # on a busy machine
    bad, (path, text) = [], next(iter(examples().values()))
    page = browser.new_page(viewport=WIDE)
    page.on('pageerror', lambda e: bad.append(f'page error: {e}'))
    page.on('request', lambda r: r.url.startswith((home, 'data:', 'blob:', home.replace('http', 'ws'))) or bad.append(f'fetches {r.url}'))
    shot = lambda name: shots and page.screenshot(path=shots/f'{name}.png', full_page=True)
    predict = lambda: page.get_by_role('button', name='Predict').locator('visible=true').click()
    page.goto(home); expect(page.get_by_role('heading', name='Sentiment from speech')).to_be_visible(timeout=30_000)
    bad += too_wide(page, 'desktop'); shot('empty')
    predict(); expect(page.get_by_text('nothing to predict')).to_be_visible(timeout=20_000)             # no clip yet: one line
    page.locator('#clip input[type=file]').set_input_files(damaged)
    expect(page.get_by_text('damaged').first).to_be_visible()
    predict(); expect(page.get_by_text('damaged.wav: unreadable')).to_be_visible(timeout=20_000); shot('damaged')
    page.reload(); page.locator('#clip input[type=file]').set_input_files(path)                        # the page is alive
    expect(page.get_by_text(Path(path).stem).first).to_be_visible()
    page.locator('#words textarea').fill(f'{text} <i id="markup">x</i>')
    predict(); expect(page.locator('#result img')).to_be_visible(timeout=60_000)
    expect(page.locator('#result')).to_contain_text('M, fusion')
    if page.locator('#markup').count(): bad.append('words of a user are markup')
    if 'M ' not in page.locator('#result img').get_attribute('alt'): bad.append('the figure has no alt text')
    shot('clip')
    page.set_viewport_size(PHONE); bad += too_wide(page, 'phone, a clip'); shot('phone')
    page.emulate_media(color_scheme='dark'); page.set_viewport_size(WIDE); page.goto(f'{home}?__theme=dark')
    page.get_by_role('tab', name='Recording').click()
    page.locator('#recording input[type=file]').set_input_files(path); expect(page.get_by_text(Path(path).stem).first).to_be_visible()
    predict(); expect(page.get_by_text('when')).to_be_visible(timeout=60_000); shot('recording_dark')
    page.set_viewport_size(PHONE); bad += too_wide(page, 'phone, a recording')
    page.get_by_role('tab', name='Sample').click()
    page.get_by_label('An utterance of the bundled sample').click(); page.get_by_role('option').first.click()
    predict(); expect(page.locator('img[alt*="strongest word"]').locator('visible=true')).to_be_visible(timeout=60_000)
    bad += too_wide(page, 'phone, the sample'); shot('phone_dark')
    return bad

def main():
    chromium = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
    if not chromium: print('demo checks skipped: no Chromium on this machine'); return 77
    bad, shots = [], Path(sys.argv[1]) if len(sys.argv) > 1 else None
    if shots: shots.mkdir(parents=True, exist_ok=True)
    with socket.socket() as s: s.bind(('127.0.0.1', 0)); port = s.getsockname()[1]
    with tempfile.TemporaryDirectory() as tmp:
        damaged = Path(tmp)/'damaged.wav'; damaged.write_bytes(b'RIFF and then nothing of the kind')
        def look():
            with sync_playwright() as p:
                browser = p.chromium.launch(executable_path=chromium, args=['--no-sandbox'])
                bad.extend(visit(browser, f'http://127.0.0.1:{port}/', damaged, shots)); browser.close()
        show_page(untrained(f'{tmp}/model'), port, wait=look)
    print(*bad, sep='\n', end='\n' if bad else '')
    print(f'demo: {len(bad)} defects')
    return bool(bad)

if __name__ == '__main__': sys.exit(main())
