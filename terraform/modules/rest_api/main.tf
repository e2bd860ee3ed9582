# A REST API from a list of routes: one resource for each path, one method and Lambda integration
# for each route. (Not from an OpenAPI body: the emulator cannot import one.)

locals {
  paths = distinct([for route in var.routes : route.path])

  # "/items/{id}" is made as "/items" and, under it, "/items/{id}".
  prefixes = toset(flatten([
    for path in local.paths : [
      for depth in range(1, length(split("/", path))) : join("/", slice(split("/", path), 0, depth + 1))
    ]
  ]))

  # A resource cannot refer to its own kind, so each depth of the tree is a block of its own.
  level = {
    for depth in range(1, 5) : depth => {
      for prefix in local.prefixes : prefix => {
        parent = join("/", slice(split("/", prefix), 0, depth))
        part   = split("/", prefix)[depth]
      } if length(split("/", prefix)) == depth + 1
    }
  }

  resource_ids = {
    for path, resource in merge(
      aws_api_gateway_resource.level_1, aws_api_gateway_resource.level_2,
      aws_api_gateway_resource.level_3, aws_api_gateway_resource.level_4,
    ) : path => resource.id
  }
}

resource "aws_api_gateway_rest_api" "this" {
  name                     = var.name
  description              = var.description
  minimum_compression_size = var.minimum_compression_bytes

  disable_execute_api_endpoint = var.own_domain_only

  endpoint_configuration {
    types = ["REGIONAL"]
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_resource" "level_1" {
  for_each = local.level[1]

  rest_api_id = aws_api_gateway_rest_api.this.id
  parent_id   = aws_api_gateway_rest_api.this.root_resource_id
  path_part   = each.value.part
}

resource "aws_api_gateway_resource" "level_2" {
  for_each = local.level[2]

  rest_api_id = aws_api_gateway_rest_api.this.id
  parent_id   = aws_api_gateway_resource.level_1[each.value.parent].id
  path_part   = each.value.part
}

resource "aws_api_gateway_resource" "level_3" {
  for_each = local.level[3]

  rest_api_id = aws_api_gateway_rest_api.this.id
  parent_id   = aws_api_gateway_resource.level_2[each.value.parent].id
  path_part   = each.value.part
}

resource "aws_api_gateway_resource" "level_4" {
  for_each = local.level[4]

  rest_api_id = aws_api_gateway_rest_api.this.id
  parent_id   = aws_api_gateway_resource.level_3[each.value.parent].id
  path_part   = each.value.part
}
