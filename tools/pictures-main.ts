import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'
import { terminalPicture } from './terminal-picture.ts'

// node tools/pictures-main.ts <report.html> <what ./sonia status printed in a terminal>: the pictures of the README.
const [report, dashboard] = process.argv.slice(2)
if (report === undefined || dashboard === undefined) {
  throw new Error('name a report.html and the output of: script -qec "./sonia status" dashboard.txt')
}
const images = fileURLToPath(new URL('../docs/images', import.meta.url))
const shown = readFileSync(dashboard, 'utf8')
  .split('\n')
  .filter((line) => !/^Script (started|done) on/.test(line))
  .join('\n')
writeFileSync(
  join(images, 'dashboard.svg'),
  terminalPicture(shown, './sonia status while a gate run loads the stack'),
)

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  chromiumSandbox: process.getuid?.() !== 0,
})
try {
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 } })
  await page.goto(pathToFileURL(resolve(report)).href)
  await page.screenshot({ path: join(images, 'report.png') })
} finally {
  await browser.close()
}
