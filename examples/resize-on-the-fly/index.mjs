// Makes the picture that a website does not have yet: `/200x100/cat.png` is `cat.png`, resized. The website redirects
// here on 404; the picture is stored under the key that was asked for, and the visitor is sent back to it.
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import sharp from 'sharp';

const SIDE_PIXELS_MAX = 2_000;
const { BUCKET, WEBSITE } = process.env;
const s3 = new S3Client({});

export async function handler(event) {
  const key = event.queryStringParameters?.key ?? '';
  const [, width, height, original] = key.match(/^(\d{1,4})x(\d{1,4})\/(.+)$/) ?? [];
  if (!original || [width, height].some((side) => side < 1 || side > SIDE_PIXELS_MAX)) {
    return { statusCode: 404, body: 'Ask for WIDTHxHEIGHT/NAME.\n' };
  }
  let picture;
  try {
    picture = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: original }));
  } catch (error) {
    if (error.name !== 'NoSuchKey') throw error;
    return { statusCode: 404, body: `There is no ${original}.\n` };
  }
  const resized = await sharp(await picture.Body.transformToByteArray())
    .resize({ width: Number(width), height: Number(height), fit: 'cover' })
    .png()
    .toBuffer();
  await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: resized, ContentType: 'image/png' }));
  const path = key.split('/').map(encodeURIComponent).join('/');
  return { statusCode: 302, headers: { location: `${WEBSITE}/${path}` }, body: '' };
}
