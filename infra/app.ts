/** The CDK app: `npx cdk deploy`, with settings as context (settings.ts): `-c taskVcpus=8`. */
import { App, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
import { assembleImage, IMAGE_FOLDER } from '../functions/assemble.ts'
import { readSettings } from './settings.ts'
import { ReplayStack } from './stack.ts'

const app = new App()
const settings = readSettings((name) => app.node.tryGetContext(name))
new ReplayStack(app, settings, settings.repository === null ? await assembleImage(IMAGE_FOLDER) : null)
Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
