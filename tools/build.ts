import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { access, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import {
  type Binary,
  builtFolder,
  COMPONENTS,
  type Component,
  GO_MINIMUM,
  sourceDigest,
  stampFile,
} from './components.ts'
import { findTool, type ToolHost } from './locate.ts'
import { ToolError } from './tool-error.ts'
import { compareVersions, versionIn } from './version.ts'

const LAST_LINES_KEPT = 20

export interface BuildHost extends ToolHost {
  /** Aborts a build that is under way. */
  readonly interrupted: AbortSignal
}

export interface BuildProgress {
  readonly component: Component
  /** Go packages compiled so far; packages that the build cache already holds are not counted. */
  readonly packagesCompiled: number
}

/**
 * Builds every component that is found nowhere, one after the other (each build uses all cores).
 * Throws `ToolError` (exit code 69) without Go, or when a build fails; what was built before stays.
 */
export async function buildMissing(
  host: BuildHost,
  onProgress: (progress: BuildProgress) => void,
): Promise<readonly Component[]> {
  const missing: Component[] = []
  for (const component of COMPONENTS) {
    const found = await Promise.all(component.binaries.map(({ name }) => findTool(name, host)))
    if (found.includes(null)) missing.push(component)
  }
  if (missing.length > 0) await requireGo(missing, host)
  for (const component of missing) await buildComponent(component, host, onProgress)
  return missing
}

async function requireGo(missing: readonly Component[], host: BuildHost): Promise<void> {
  const names = missing.map(({ name }) => name).join(', ')
  const hint = `install Go ${GO_MINIMUM} or newer and run it again, or use docker compose up`
  const version = await goVersion(host)
  if (version === null) {
    throw new ToolError(`${names}: not installed, and there is no Go to build from the pinned modules`, {
      hint,
    })
  }
  if (compareVersions(version, GO_MINIMUM) < 0) {
    throw new ToolError(`${names}: not installed, and Go ${version} is too old to build them`, { hint })
  }
}

async function goVersion(host: BuildHost): Promise<string | null> {
  const lines: string[] = []
  const child = spawn('go', ['version'], { env: { ...host.env }, stdio: ['ignore', 'pipe', 'ignore'] })
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
  return (await exitOf(child)) === 0 ? versionIn(lines.join(' ').replace(/^go version go/, '')) : null
}

async function buildComponent(
  component: Component,
  host: BuildHost,
  onProgress: (progress: BuildProgress) => void,
): Promise<void> {
  const target = builtFolder(host.repository)
  await mkdir(target, { recursive: true })
  // A half-written binary must never be found: build beside, then rename.
  const staging = await mkdtemp(join(target, '.building-'))
  try {
    await buildBinaries({ component, host, staging, onProgress })
    for (const { name } of component.binaries) await rename(join(staging, name), join(target, name))
    await writeFile(stampFile(host.repository, component), sourceDigest(host.repository, component))
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

interface GoBuild {
  readonly component: Component
  readonly host: BuildHost
  readonly staging: string
  readonly onProgress: (progress: BuildProgress) => void
}

/** One `go build` per binary, for each is given its name: Go's own choice follows the package's path. */
async function buildBinaries(build: GoBuild): Promise<void> {
  let packagesCompiled = 0
  build.onProgress({ component: build.component, packagesCompiled })
  for (const binary of build.component.binaries) {
    await runGoBuild(build, binary, () => {
      packagesCompiled += 1
      build.onProgress({ component: build.component, packagesCompiled })
    })
  }
}

async function runGoBuild(
  { component, host, staging }: GoBuild,
  binary: Binary,
  onPackage: () => void,
): Promise<void> {
  const child = spawn('go', buildArguments(component, binary, staging), {
    cwd: join(host.repository, component.module),
    env: await goEnvironment(host),
    stdio: ['ignore', 'ignore', 'pipe'],
    signal: host.interrupted,
  })
  const lastLines: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => {
    // `go build -v` prints one import path per package it compiles; anything with a space is a message.
    if (line.includes(' ')) lastLines.push(line)
    else onPackage()
    if (lastLines.length > LAST_LINES_KEPT) lastLines.shift()
  })
  if ((await exitOf(child)) === 0) return
  throw new ToolError(`building ${component.name} ${component.version} failed:\n${lastLines.join('\n')}`, {
    hint: `cd ${component.module} && go build ./... shows the whole output; the Go module proxy must be reachable`,
  })
}

function buildArguments(component: Component, binary: Binary, staging: string): readonly string[] {
  const linker = ['-s', '-w']
  if (component.versionVariable !== null) linker.push(`-X ${component.versionVariable}=${component.version}`)
  return [
    'build',
    '-v',
    '-mod=readonly',
    '-buildvcs=false',
    ...(component.tags.length > 0 ? ['-tags', component.tags.join(',')] : []),
    '-ldflags',
    linker.join(' '),
    '-o',
    join(staging, binary.name),
    binary.package,
  ]
}

/** Go writes its caches below the home folder; where that cannot be written, they go to `.tools/go`. */
async function goEnvironment(host: BuildHost): Promise<NodeJS.ProcessEnv> {
  const environment: NodeJS.ProcessEnv = { ...host.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'auto', GOFLAGS: '' }
  const writable = await access(homedir(), constants.W_OK).then(
    () => true,
    () => false,
  )
  if (writable) return environment
  const folder = join(host.repository, '.tools', 'go')
  return {
    ...environment,
    GOPATH: environment['GOPATH'] ?? folder,
    GOCACHE: environment['GOCACHE'] ?? join(folder, 'cache'),
    GOMODCACHE: environment['GOMODCACHE'] ?? join(folder, 'mod'),
  }
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    child.once('error', () => resolve(null))
    child.once('close', (code) => resolve(code))
  })
}
