// Makes a thumbnail of each picture that is uploaded below `pictures/`, and stores it below `thumbnails/`.
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import sharp from 'sharp';

const WIDTH_PIXELS = 200;
const s3 = new S3Client({});

export async function handler(event) {
  for (const record of event.Records) {
    const bucket = record.s3.bucket.name;
    // Keys travel as in a form: `red+flower.jpg`.
    const key = decodeURIComponent(record.s3.object.key.replaceAll('+', ' '));
    const picture = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    const thumbnail = await sharp(await picture.Body.transformToByteArray())
      .resize({ width: WIDTH_PIXELS, withoutEnlargement: true })
      .png()
      .toBuffer();
    const target = key.replace(/^pictures\//, 'thumbnails/').replace(/\.[^./]*$/, '') + '.png';
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: target, Body: thumbnail, ContentType: 'image/png' }));
    console.log(`${key} (${record.s3.object.size} bytes) -> ${target} (${thumbnail.length} bytes)`);
  }
}
