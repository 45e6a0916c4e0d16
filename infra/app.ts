/** The CDK app: `npx cdk deploy`, with settings as context (settings.ts): `-c taskVcpus=8`. */
import { App, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
import { readSettings } from './settings.ts'
import { ReplayStack } from './stack.ts'

const app = new App()
new ReplayStack(
  app,
  readSettings((name) => app.node.tryGetContext(name)),
)
Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
