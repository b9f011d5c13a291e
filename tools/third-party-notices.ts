import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A package of npm that runs in production, as package-lock.json names it. */
interface LockedPackage {
  readonly version: string
  readonly license?: string
  readonly dev?: boolean
  readonly os?: readonly string[]
}

interface Notice {
  readonly name: string
  readonly license: string
  /** Licence and notice files of the package, in the order of their names; empty where it brings none. */
  readonly text: string
}

const NATIVE = `The programs that judge the services are built on the machine that uses them, from sources that are not part of this
project: k6 (AGPL-3.0), Prometheus, Alertmanager and the OpenTelemetry Collector (Apache-2.0). Their licences come with
their sources.`

/**
 * Licences of everything from npm that runs in production, for whoever passes this project on together with it. Builds
 * of one package for single platforms stand under the package itself, so that the text is the same on every machine.
 */
export function thirdPartyNotices(repository: string): string {
  const notices = productionNotices(repository)
  const byText = Map.groupBy(
    notices,
    ({ text, license }) => text || `(no licence file; declared: ${license})`,
  )
  const table = notices.map(({ name, license }) => `- ${name}: ${license}`)
  const texts = [...byText].map(([text, same]) => {
    const names = same.map(({ name }) => name)
    return `${RULE}\n${names.join(', ')}\n${RULE}\n\n${text}\n`
  })
  return `Third-party notices\n\n${NATIVE}\n\nFrom npm:\n\n${table.join('\n')}\n\n${texts.join('\n')}`
}

const RULE = '-'.repeat(80)

function productionNotices(repository: string): readonly Notice[] {
  const lock = JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, LockedPackage>>
  }
  const notices = Object.entries(lock.packages)
    .filter(([path, { dev, os }]) => path !== '' && dev !== true && os === undefined)
    .map(([path, { version, license }]) => ({
      name: `${path.split('node_modules/').at(-1) ?? path} ${version}`,
      license: license ?? 'not declared',
      text: licenceText(join(repository, path)),
    }))
  const byName = new Map(notices.map((notice) => [notice.name, notice]))
  return [...byName.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

const LICENCE_FILE = /^(?:licen[cs]e|copying|notice)/i

function licenceText(folder: string): string {
  if (!existsSync(folder)) throw new Error(`${folder} is not installed: run npm ci first`)
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && LICENCE_FILE.test(entry.name))
    .map(({ name }) => readFileSync(join(folder, name), 'utf8').replaceAll('\r\n', '\n').trim())
    .toSorted()
    .join('\n\n')
}
