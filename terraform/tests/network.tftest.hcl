# What the network promises, with and without a way out. Applied, to the mocks, as only then everything
# has an id of its own.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                = "itemstream-test"
  cidr                = "10.0.0.0/16"
  zones               = ["a", "b", "c"]
  peers               = { cache = 6379 }
  interface_endpoints = ["monitoring", "sqs"]
  reachable           = { s3 = ["arn:aws:s3:::ours"], sqs = ["arn:aws:sqs:eu-central-1:111122223333:ours-*"] }
  kms_key_arn         = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000"
  log_retention_days  = 7
}

run "closed" {
  command = apply

  module {
    source = "./modules/network"
  }

  assert {
    condition = (
      length(aws_subnet.private) == 3 && length(aws_subnet.isolated) == 3 && length(aws_subnet.public) == 0 &&
      length(distinct([for subnet in concat(values(aws_subnet.private), values(aws_subnet.isolated)) : subnet.cidr_block])) == 6 &&
      toset([for subnet in aws_subnet.isolated : subnet.availability_zone]) == toset(["eu-central-1a", "eu-central-1b", "eu-central-1c"])
    )
    error_message = "Every zone must have a private and an isolated subnet, and none that is public without a gateway to put into it."
  }

  assert {
    condition     = length(aws_internet_gateway.this) + length(aws_nat_gateway.this) + length(aws_eip.nat) + length(aws_route.public) + length(aws_route.private) + length(aws_vpc_security_group_egress_rule.internet) == 0
    error_message = "Nothing may lead out of a network without NAT."
  }

  assert {
    condition = (
      length(coalesce(aws_route_table.isolated.route, [])) == 0 &&
      alltrue([for association in aws_route_table_association.isolated : association.route_table_id == aws_route_table.isolated.id]) &&
      alltrue([for endpoint in aws_vpc_endpoint.gateway : !contains(endpoint.route_table_ids, aws_route_table.isolated.id)]) &&
      alltrue([for endpoint in aws_vpc_endpoint.interface : length(setintersection(endpoint.subnet_ids, values(aws_subnet.isolated)[*].id)) == 0])
    )
    error_message = "No path may lead out of the isolated subnets, to AWS services either."
  }

  assert {
    condition = alltrue([
      for endpoint in aws_vpc_endpoint.gateway : endpoint.route_table_ids == toset(values(aws_route_table.private)[*].id)
    ])
    error_message = "Every private subnet must have a route to the gateway endpoints."
  }

  assert {
    condition = {
      for service, policy in local.endpoint_policies : service => [
        for statement in jsondecode(policy).Statement : join(" ", concat(flatten([statement.Action]), statement.Resource, [statement.Condition.StringEquals["aws:PrincipalAccount"]]))
      ]
      } == {
      dynamodb   = ["* * 111122223333"]
      monitoring = ["* * 111122223333"]
      s3         = ["s3:* arn:aws:s3:::ours 111122223333"]
      sqs        = ["sqs:* arn:aws:sqs:eu-central-1:111122223333:ours-* 111122223333"]
      } && alltrue([
        for service, endpoint in merge(aws_vpc_endpoint.gateway, aws_vpc_endpoint.interface) : endpoint.policy == local.endpoint_policies[service]
    ])
    error_message = "Every endpoint must be for principals of this account, and for what is ours."
  }

  assert {
    condition = (
      length(aws_vpc_security_group_ingress_rule.flow) == 2 && length(aws_vpc_security_group_egress_rule.flow) == 2 &&
      alltrue([for rule in concat(values(aws_vpc_security_group_ingress_rule.flow), values(aws_vpc_security_group_egress_rule.flow)) : rule.referenced_security_group_id != null && rule.cidr_ipv4 == null && rule.from_port == rule.to_port]) &&
      aws_vpc_security_group_ingress_rule.flow["cache"].security_group_id == aws_security_group.this["cache"].id &&
      aws_vpc_security_group_ingress_rule.flow["cache"].referenced_security_group_id == aws_security_group.this["cache-clients"].id &&
      aws_vpc_security_group_egress_rule.flow["cache"].security_group_id == aws_security_group.this["cache-clients"].id
    )
    error_message = "Security groups must name one another, and one port."
  }

  assert {
    condition     = length(coalesce(aws_default_security_group.this.ingress, [])) + length(coalesce(aws_default_security_group.this.egress, [])) == 0
    error_message = "The default security group must be closed."
  }

  assert {
    condition     = one(aws_flow_log.this).traffic_type == "ALL" && one(aws_cloudwatch_log_group.flow).kms_key_id == var.kms_key_arn
    error_message = "All traffic must be logged, encrypted with our key."
  }
}

run "one_gateway" {
  command = apply

  module {
    source = "./modules/network"
  }

  variables {
    nat = "one"
  }

  assert {
    condition = (
      keys(aws_nat_gateway.this) == ["a"] && keys(aws_subnet.public) == ["a"] && keys(aws_route.private) == ["a", "b", "c"] &&
      alltrue([for route in aws_route.private : route.nat_gateway_id == aws_nat_gateway.this["a"].id])
    )
    error_message = "All zones must use the one gateway."
  }

  assert {
    condition = alltrue([
      for route in concat(values(aws_route.private), aws_route.public) : route.route_table_id != aws_route_table.isolated.id
    ]) && length(coalesce(aws_route_table.isolated.route, [])) == 0
    error_message = "No path may lead out of the isolated subnets, with NAT either."
  }

  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.flow : rule.cidr_ipv4 == null]) && alltrue([for subnet in aws_subnet.public : subnet.map_public_ip_on_launch != true])
    error_message = "A way out must be no way in."
  }
}

run "gateway_in_each_zone" {
  command = apply

  module {
    source = "./modules/network"
  }

  variables {
    nat = "zone"
  }

  assert {
    condition = (
      keys(aws_nat_gateway.this) == ["a", "b", "c"] &&
      alltrue([for zone, gateway in aws_nat_gateway.this : aws_route.private[zone].nat_gateway_id == gateway.id && gateway.subnet_id == aws_subnet.public[zone].id && aws_subnet.public[zone].availability_zone == "eu-central-1${zone}"])
    )
    error_message = "Every zone must use its own gateway: no zone takes another down with it."
  }

  assert {
    condition     = length(distinct([for subnet in concat(values(aws_subnet.private), values(aws_subnet.isolated), values(aws_subnet.public)) : subnet.cidr_block])) == 9
    error_message = "Subnets must not share addresses."
  }
}

run "what_it_refuses" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    zones               = ["a"]
    nat                 = "two"
    interface_endpoints = ["s3"]
  }

  expect_failures = [var.zones, var.nat, var.interface_endpoints]
}
