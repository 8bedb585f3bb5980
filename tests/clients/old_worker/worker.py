"""A worker of the design before: it knows four fields of a message, copies a file, and tells nobody but the queue.

Usage: worker.py AMQP_URL S3_ENDPOINT BUCKET ACCESS_KEY SECRET_KEY
"""

import json
import sys

import boto3
import botocore.config
import pika


def main():
    amqp_url, endpoint, bucket, access_key, secret_key = sys.argv[1:]
    store = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        region_name="us-east-1",
        config=botocore.config.Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required"),
    )

    def transfer(channel, method, _properties, body):
        task = json.loads(body)
        if task["DestStoreType"] != 2:
            channel.basic_nack(method.delivery_tag, requeue=True)
            return
        store.upload_file(task["CurLocation"], bucket, task["DestLocation"])
        channel.basic_ack(method.delivery_tag)
        print(task["FileHash"], flush=True)

    channel = pika.BlockingConnection(pika.URLParameters(amqp_url)).channel()
    channel.basic_qos(prefetch_count=1)
    channel.basic_consume("uploadserver.trans.oss", transfer)
    print("ready", flush=True)
    channel.start_consuming()


main()
