/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to the data store (ds.h). */
#include <errno.h>
#include <stdio.h>
#include "sys/sys.h"

static int request(uint32_t op, struct ds_req *req, const char *key, struct ds_rep *rep)
{
	int r;

	if (strlen(key) >= DS_KEY_MAX)
		return -ENAMETOOLONG;
	memcpy(req->key, key, strlen(key) + 1);
	r = sys_call(EP_DS, op, req, rep);
	return r != 0 ? r : rep->result;
}

int ds_publish_str(const char *key, const char *value)
{
	struct ds_req req = {.type_flags = DS_STR | DS_OVERWRITE};
	struct ds_rep rep;

	if (strlen(value) >= DS_VALUE_MAX)
		return -ENAMETOOLONG;
	memcpy(req.value.str, value, strlen(value) + 1);
	return request(DS_PUBLISH, &req, key, &rep);
}

int ds_publish_label(const char *label, endpoint_t ep, uint32_t cause)
{
	struct ds_req req = {.type_flags = DS_LABEL | DS_OVERWRITE};
	struct ds_rep rep;

	req.value.label.ep = ep;
	req.value.label.old = EP_NONE;
	req.value.label.cause = cause;
	return request(DS_PUBLISH, &req, label, &rep);
}

int ds_lookup_label(const char *label, endpoint_t *ep)
{
	struct ds_req req = {.type_flags = DS_LABEL};
	struct ds_rep rep;
	int r = request(DS_RETRIEVE, &req, label, &rep);

	if (r >= 0)
		*ep = rep.value.label.ep;
	return r < 0 ? r : 0;
}

int ds_lookup_str(const char *key, char *buf, size_t len)
{
	struct ds_req req = {.type_flags = DS_STR};
	struct ds_rep rep;
	int r = request(DS_RETRIEVE, &req, key, &rep);

	if (r < 0)
		return r;
	rep.value.str[DS_VALUE_MAX - 1] = 0;
	return (size_t)snprintf(buf, len, "%s", rep.value.str) < len ? 0 : -ENAMETOOLONG;
}

static int with_memory(uint32_t op, uint32_t flags, const char *key, struct ds_req *req)
{
	struct ds_rep rep;
	int r;

	if (req->value.mem.grant == GRANT_INVALID)
		return -ENOSPC;
	req->type_flags = DS_MEM | DS_PRIVATE | flags;
	r = request(op, req, key, &rep);
	grant_revoke(req->value.mem.grant);
	return r;
}

int ds_save(const char *key, const void *data, size_t len)
{
	struct ds_req req = {0};

	if (len > DS_MEM_MAX)
		return -EINVAL;
	req.value.mem.grant = grant_direct(EP_DS, data, len, GRANT_READ);
	req.value.mem.len_bytes = (uint32_t)len;
	return with_memory(DS_PUBLISH, DS_OVERWRITE, key, &req);
}

int ds_load(const char *key, void *data, size_t len)
{
	struct ds_req req = {0};

	req.value.mem.grant = grant_direct(EP_DS, data, len, GRANT_WRITE);
	req.value.mem.len_bytes = (uint32_t)len;
	return with_memory(DS_RETRIEVE, 0, key, &req);
}

int ds_delete(const char *key)
{
	struct ds_req req = {0};
	struct ds_rep rep;

	return request(DS_DELETE, &req, key, &rep);
}

int ds_subscribe(const char *pattern)
{
	struct ds_subscribe req = {0};
	struct ds_rep rep;
	int r;

	if (strlen(pattern) >= sizeof(req.pattern))
		return -ENAMETOOLONG;
	memcpy(req.pattern, pattern, strlen(pattern) + 1);
	r = sys_call(EP_DS, DS_SUBSCRIBE, &req, &rep);
	return r != 0 ? r : rep.result;
}
