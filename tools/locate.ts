import { execFile } from 'node:child_process'
import { access, constants, readFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import {
  type Binary,
  builtFolder,
  type Component,
  componentOf,
  sourceDigest,
  stampFile,
  type ToolName,
} from './components.ts'
import { ToolError } from './tool-error.ts'
import { compareVersions, versionIn } from './version.ts'

const run = promisify(execFile)
const VERSION_TIMEOUT_MS = 10_000

/** What the look-up needs of the program's host. */
export interface ToolHost {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Root of the repository. */
  readonly repository: string
}

export interface LocatedTool {
  readonly name: ToolName
  readonly path: string
  /** As the binary itself says, or as pinned where we built it. */
  readonly version: string
  readonly origin: 'environment' | 'built' | 'path'
}

/**
 * Finds a native binary: `SONIA_<NAME>_BIN`, then `.tools/bin` when it was built from the pinned module,
 * then PATH when it is not older than the minimum of tools/versions.json.
 * Throws `ToolError` (exit code 69) where none of the three has it.
 */
export async function locateTool(name: ToolName, host: ToolHost): Promise<LocatedTool> {
  const located = await findTool(name, host)
  if (located !== null) return located
  throw new ToolError(`${name} is not installed`, {
    hint: './sonia tools build (needs Go), or set SONIA_' + environmentName(name) + '_BIN to a binary',
  })
}

/** As `locateTool`, but null where the binary is nowhere. */
export async function findTool(name: ToolName, host: ToolHost): Promise<LocatedTool | null> {
  const component = componentOf(name)
  const binary = component.binaries.find((candidate) => candidate.name === name)
  if (binary === undefined) return null
  return (
    (await fromEnvironment(binary, host)) ??
    (await fromBuilt(binary, component, host)) ??
    (await fromPath(binary, component, host))
  )
}

function environmentName(name: ToolName): string {
  return name.toUpperCase()
}

async function fromEnvironment(binary: Binary, host: ToolHost): Promise<LocatedTool | null> {
  const variable = `SONIA_${environmentName(binary.name)}_BIN`
  const path = host.env[variable]
  if (path === undefined || path === '') return null
  const version = await versionOf(path, binary)
  if (version === null) {
    throw new ToolError(`${variable} names ${path}, which does not run as ${binary.name}`, {
      hint: `point ${variable} at a working ${binary.name}, or unset it`,
    })
  }
  return { name: binary.name, path, version, origin: 'environment' }
}

async function fromBuilt(binary: Binary, component: Component, host: ToolHost): Promise<LocatedTool | null> {
  const path = join(builtFolder(host.repository), binary.name)
  if (!(await isExecutable(path))) return null
  const stamp = await readFile(stampFile(host.repository, component), 'utf8').catch(() => '')
  if (stamp.trim() !== sourceDigest(host.repository, component)) return null
  return { name: binary.name, path, version: component.version, origin: 'built' }
}

async function fromPath(binary: Binary, component: Component, host: ToolHost): Promise<LocatedTool | null> {
  for (const folder of (host.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, binary.name)
    if (folder === '' || !(await isExecutable(path))) continue
    const version = await versionOf(path, binary)
    if (version !== null && compareVersions(version, component.minimum) >= 0) {
      return { name: binary.name, path, version, origin: 'path' }
    }
  }
  return null
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

async function versionOf(path: string, binary: Binary): Promise<string | null> {
  try {
    const { stdout, stderr } = await run(path, [...binary.versionArguments], { timeout: VERSION_TIMEOUT_MS })
    return versionIn(`${stdout}\n${stderr}`)
  } catch {
    return null
  }
}
