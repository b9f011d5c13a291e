import { readFileSync, writeFileSync } from 'node:fs'
import { composeCollector, composePrometheus } from './compose-configs.ts'

// Writes the configuration that docker-compose.yml mounts; a test compares it with what this renders.
const at = (path: string) => new URL(`../${path}`, import.meta.url)
const template = (path: string) => readFileSync(at(path), 'utf8')
writeFileSync(at('deploy/rendered/prometheus.yml'), composePrometheus(template('prometheus/prometheus.yml')))
writeFileSync(at('deploy/rendered/collector.yaml'), composeCollector(template('otel/collector/config.yaml')))
