use std::path::Path;

/// A cluster of one: no authentication between its processes, one copy of everything, intervals for a machine without a network.
pub(super) fn settings(directory: &Path, cluster: &str, monitor_port: u16, gateway_port: u16) -> String {
    let directory = directory.display();
    format!(
        "[global]
fsid = {cluster}
mon_host = [v2:127.0.0.1:{monitor_port}]
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_ipv6 = false
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
auth_supported = none
ms_mon_client_mode = crc
ms_mon_cluster_mode = crc
ms_mon_service_mode = crc
auth_allow_insecure_global_id_reclaim = false
run_dir = {directory}
admin_socket =
log_file = {directory}/$name.log
crash_dir = {directory}/crash
mon_cluster_log_file = {directory}/cluster.log
keyring = {directory}/keyring
heartbeat_file =
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 4
osd_pool_default_pgp_num = 4
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_allow_pool_delete = true
mon_max_pg_per_osd = 2000
paxos_propose_interval = 0.05
paxos_min_wait = 0.02
objecter_tick_interval = 0.2
mon_client_hunt_interval = 0.5
bdev_aio_poll_ms = 10
bluestore_fsck_on_mkfs = false
[mon]
mon_data = {directory}/mon
mon_data_avail_warn = 2
mon_data_avail_crit = 1
mon_rocksdb_options = write_buffer_size=8388608,compression=kNoCompression
[osd]
osd_data = {directory}/osd
osd_objectstore = bluestore
osd_class_load_list = *
osd_class_default_list = *
osd_memory_target = 939524096
bluestore_block_size = 8589934592
bluestore_cache_autotune = false
bluestore_cache_size = 67108864
osd_op_num_shards = 2
osd_max_object_name_len = 460
osd_mon_report_interval = 1
osd_fast_shutdown = true
[client]
rgw_frontends = beast endpoint=127.0.0.1:{gateway_port}
rgw_thread_pool_size = 32
rgw_num_rados_handles = 1
rgw_crypt_require_ssl = false
rgw_s3_auth_use_keystone = false
rgw_enable_usage_log = false
rgw_run_sync_thread = false
rgw_lc_max_worker = 1
debug_rgw = 1
"
    )
}
