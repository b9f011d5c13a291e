import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { renderDashboards } from './render-dashboards.ts'

// Writes the committed dashboards; a test compares them with what this renders.
for (const [name, text] of renderDashboards()) {
  writeFileSync(fileURLToPath(new URL(`dashboards/${name}`, import.meta.url)), text)
}
