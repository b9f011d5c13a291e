import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import versions from './versions.json' with { type: 'json' }

/** Binaries that SONIA runs beside Node; each belongs to one pinned Go module. */
export const TOOL_NAMES = ['k6', 'prometheus', 'promtool', 'alertmanager', 'amtool', 'otelcol'] as const

export type ToolName = (typeof TOOL_NAMES)[number]

export interface Binary {
  readonly name: ToolName
  /** Go package of its main function. */
  readonly package: string
  readonly versionArguments: readonly string[]
}

export interface Component {
  readonly name: string
  /** Folder of its go.mod, from the repository's root. */
  readonly module: string
  readonly version: string
  /** Oldest version that is accepted when the binary is found on PATH. */
  readonly minimum: string
  readonly binaries: readonly Binary[]
  readonly tags: readonly string[]
  /** Linker variable that carries the version, so that `--version` tells the truth. */
  readonly versionVariable: string | null
}

export const GO_MINIMUM = versions.go.minimum

export const COMPONENTS: readonly Component[] = versions.components.map((entry) => ({
  name: entry.name,
  module: entry.module,
  version: entry.version,
  minimum: entry.minimum,
  binaries: entry.binaries.map((binary) => ({
    name: toolName(binary.name),
    package: binary.package,
    versionArguments: binary.version_arguments,
  })),
  tags: entry.tags,
  versionVariable: entry.version_variable,
}))

function toolName(name: string): ToolName {
  const known = TOOL_NAMES.find((candidate) => candidate === name)
  if (known === undefined) throw new Error(`tools/versions.json names the unknown binary "${name}"`)
  return known
}

export function componentOf(name: ToolName): Component {
  const component = COMPONENTS.find(({ binaries }) => binaries.some((binary) => binary.name === name))
  if (component === undefined) throw new Error(`tools/versions.json has no component for "${name}"`)
  return component
}

/** Folder of the binaries built from the pinned modules. */
export function builtFolder(repository: string): string {
  return join(repository, '.tools', 'bin')
}

/** File beside the binaries that holds the digest of what a component was built from. */
export function stampFile(repository: string, component: Component): string {
  return join(builtFolder(repository), `.${component.name}.stamp`)
}

/** SHA-256 (hex) over the component's entry and its module files: another digest means another binary. */
export function sourceDigest(repository: string, component: Component): string {
  const hash = createHash('sha256').update(JSON.stringify(component))
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(repository, component.module, file)))
  if (component.binaries.some((binary) => binary.package.startsWith('sonia/'))) {
    hash.update(readFileSync(join(repository, component.module, 'main.go')))
  }
  return hash.digest('hex')
}
