import { runService } from '#chassis/run-service.ts'
import { service } from './service.ts'

await runService(service, process)
