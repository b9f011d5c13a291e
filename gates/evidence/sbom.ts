import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { outputOf } from './run-process.ts'

const NpmSbom = Type.Object({
  bomFormat: Type.Literal('CycloneDX'),
  metadata: Type.Object({ component: Type.Object({ name: Type.String() }) }),
  components: Type.Array(
    Type.Object({
      name: Type.String(),
      properties: Type.Optional(Type.Array(Type.Object({ name: Type.String(), value: Type.String() }))),
    }),
    { minItems: 1 },
  ),
  dependencies: Type.Array(Type.Unknown()),
})

/** npm's `--omit dev` also leaves out what both need; its own mark on each component is right. */
const DEVELOPMENT = 'cdx:npm:package:development'

const Versions = Type.Object({
  components: Type.Array(
    Type.Object({
      name: Type.String(),
      version: Type.String(),
      binaries: Type.Array(Type.Object({ package: Type.String() }), { minItems: 1 }),
    }),
  ),
})

/**
 * The software bill of materials as CycloneDX: npm's own listing of what runs in production, and the native
 * components that judge it. Serial number and time go, so that one commit has one digest.
 */
export async function makeSbom(repository: string): Promise<string> {
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only']
  const listed: unknown = JSON.parse(await outputOf('npm', args, { cwd: repository }))
  if (!Value.Check(NpmSbom, listed)) throw new Error('npm sbom did not write CycloneDX')
  const packageText = await readFile(join(repository, 'package.json'), 'utf8')
  const { name } = Value.Parse(Type.Object({ name: Type.String() }), JSON.parse(packageText))
  const { serialNumber: _serial, dependencies: _graph, ...sbom } = { serialNumber: null, ...listed }
  const production = listed.components.filter(
    ({ properties }) => properties?.some((one) => one.name === DEVELOPMENT) !== true,
  )
  const { timestamp: _timestamp, ...metadata } = { timestamp: null, ...listed.metadata }
  return `${JSON.stringify(
    {
      ...sbom,
      metadata: { ...metadata, component: { ...metadata.component, name } },
      components: [...production, ...(await nativeComponents(repository))],
    },
    null,
    1,
  )}\n`
}

async function nativeComponents(repository: string): Promise<readonly object[]> {
  const text = await readFile(join(repository, 'tools', 'versions.json'), 'utf8')
  const { components } = Value.Parse(Versions, JSON.parse(text))
  return components.map(({ name, version, binaries }) => ({
    type: 'application',
    'bom-ref': `native:${name}@${version}`,
    name,
    version,
    ...(binaries[0] === undefined ? {} : { purl: `pkg:golang/${binaries[0].package}@v${version}` }),
  }))
}
