import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import * as s3 from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'
import type { Settings } from './settings.ts'

/** Where a bucket is. */
export type BucketPlace = Pick<s3.IBucket, 'bucketArn' | 'bucketName'>

/** The archive of recorded market data, and the bucket of tables. */
export class Storage extends Construct {
  readonly archive: BucketPlace
  readonly table: BucketPlace

  constructor(scope: Construct, { archiveBucket }: Pick<Settings, 'archiveBucket'>) {
    super(scope, 'Storage')
    this.archive = archiveBucket === null ? this.#bucket('Archive') : s3.Bucket.fromBucketName(this, 'Archive', archiveBucket)
    this.table = this.#bucket('Table')
  }

  /** Rules remove what no one can read any more; the current object of a key never goes by itself, or a table would lose rows. */
  #bucket(id: string): s3.Bucket {
    return new s3.Bucket(this, id, {
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      encryption: s3.BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      versioned: true,
      lifecycleRules: [
        { id: 'incomplete-uploads', abortIncompleteMultipartUploadAfter: Duration.days(2) },
        { id: 'former-versions', noncurrentVersionExpiration: Duration.days(30) },
      ],
      removalPolicy: RemovalPolicy.RETAIN,
    })
  }
}
