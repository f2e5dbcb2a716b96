terraform {
  required_providers {
    aci = {
      source  = "CiscoDevNet/aci"
      version = ">= 2.13.0"
    }
  }
}

resource "aci_rest_managed" "l3dom_L3D_K8C1_f1163a8056995b3b" {
  dn         = "uni/l3dom-L3D_K8C1"
  class_name = "l3extDomP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "L3D_K8C1"
  }
}

resource "aci_rest_managed" "rsvlanNs_5deafeb332c63816" {
  dn         = "${aci_rest_managed.l3dom_L3D_K8C1_f1163a8056995b3b.dn}/rsvlanNs"
  class_name = "infraRsVlanNs"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tDn = "uni/infra/vlanns-[VLP_K8C1]-static"
  }
}

resource "aci_rest_managed" "vlanns_VLP_K8C1_static_a4ef50366fbe0741" {
  dn         = "uni/infra/vlanns-[VLP_K8C1]-static"
  class_name = "fvnsVlanInstP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    allocMode = "static"
    name      = "VLP_K8C1"
  }
}

resource "aci_rest_managed" "from_vlan_1500_to_vlan_1500_8cd254248ccf006a" {
  dn         = "${aci_rest_managed.vlanns_VLP_K8C1_static_a4ef50366fbe0741.dn}/from-[vlan-1500]-to-[vlan-1500]"
  class_name = "fvnsEncapBlk"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    allocMode = "static"
    from      = "vlan-1500"
    to        = "vlan-1500"
  }
}

resource "aci_rest_managed" "attentp_AEP_K8C1_b641fb58de72cec2" {
  dn         = "uni/infra/attentp-AEP_K8C1"
  class_name = "infraAttEntityP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "AEP_K8C1"
  }
}

resource "aci_rest_managed" "rsdomP_uni_l3dom_L3D_K8C1_7487137f674b2be5" {
  dn         = "${aci_rest_managed.attentp_AEP_K8C1_b641fb58de72cec2.dn}/rsdomP-[uni/l3dom-L3D_K8C1]"
  class_name = "infraRsDomP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tDn = "uni/l3dom-L3D_K8C1"
  }
}

resource "aci_rest_managed" "lacplagp_LACP_K8C1_09d7cfcf06906720" {
  dn         = "uni/infra/lacplagp-LACP_K8C1"
  class_name = "lacpLagPol"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    mode = "active"
    name = "LACP_K8C1"
  }
}

resource "aci_rest_managed" "l2IfP_L2_K8C1_14f70114ca8fb8ce" {
  dn         = "uni/infra/l2IfP-L2_K8C1"
  class_name = "l2IfPol"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name      = "L2_K8C1"
    vlanScope = "portlocal"
  }
}

resource "aci_rest_managed" "lldpIfP_LLDP_K8C1_e7ddc3f5aca22606" {
  dn         = "uni/infra/lldpIfP-LLDP_K8C1"
  class_name = "lldpIfPol"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    adminRxSt = "enabled"
    adminTxSt = "enabled"
    name      = "LLDP_K8C1"
  }
}

resource "aci_rest_managed" "accbundle_VPC_K8C1_K8C1M0_486a33377158aaa1" {
  dn         = "uni/infra/funcprof/accbundle-VPC_K8C1_K8C1M0"
  class_name = "infraAccBndlGrp"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    lagT = "node"
    name = "VPC_K8C1_K8C1M0"
  }
}

resource "aci_rest_managed" "rsattEntP_43d1c3bc18849cb4" {
  dn         = "${aci_rest_managed.accbundle_VPC_K8C1_K8C1M0_486a33377158aaa1.dn}/rsattEntP"
  class_name = "infraRsAttEntP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tDn = "uni/infra/attentp-AEP_K8C1"
  }
}

resource "aci_rest_managed" "rsl2IfPol_83b0ce2fa427937e" {
  dn         = "${aci_rest_managed.accbundle_VPC_K8C1_K8C1M0_486a33377158aaa1.dn}/rsl2IfPol"
  class_name = "infraRsL2IfPol"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnL2IfPolName = "L2_K8C1"
  }
}

resource "aci_rest_managed" "rslldpIfPol_04fe8dec9e97ebaa" {
  dn         = "${aci_rest_managed.accbundle_VPC_K8C1_K8C1M0_486a33377158aaa1.dn}/rslldpIfPol"
  class_name = "infraRsLldpIfPol"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnLldpIfPolName = "LLDP_K8C1"
  }
}

resource "aci_rest_managed" "rslacpPol_334cd04be74d7f1b" {
  dn         = "${aci_rest_managed.accbundle_VPC_K8C1_K8C1M0_486a33377158aaa1.dn}/rslacpPol"
  class_name = "infraRsLacpPol"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnLacpLagPolName = "LACP_K8C1"
  }
}

resource "aci_rest_managed" "accbundle_VPC_K8C1_K8C1S1_4520b5676d9010b4" {
  dn         = "uni/infra/funcprof/accbundle-VPC_K8C1_K8C1S1"
  class_name = "infraAccBndlGrp"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    lagT = "node"
    name = "VPC_K8C1_K8C1S1"
  }
}

resource "aci_rest_managed" "rsattEntP_b67d272c8dababa2" {
  dn         = "${aci_rest_managed.accbundle_VPC_K8C1_K8C1S1_4520b5676d9010b4.dn}/rsattEntP"
  class_name = "infraRsAttEntP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tDn = "uni/infra/attentp-AEP_K8C1"
  }
}

resource "aci_rest_managed" "rsl2IfPol_332adb388367b4eb" {
  dn         = "${aci_rest_managed.accbundle_VPC_K8C1_K8C1S1_4520b5676d9010b4.dn}/rsl2IfPol"
  class_name = "infraRsL2IfPol"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnL2IfPolName = "L2_K8C1"
  }
}

resource "aci_rest_managed" "rslldpIfPol_e24cc4449e174717" {
  dn         = "${aci_rest_managed.accbundle_VPC_K8C1_K8C1S1_4520b5676d9010b4.dn}/rslldpIfPol"
  class_name = "infraRsLldpIfPol"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnLldpIfPolName = "LLDP_K8C1"
  }
}

resource "aci_rest_managed" "rslacpPol_18c00d297db4dfca" {
  dn         = "${aci_rest_managed.accbundle_VPC_K8C1_K8C1S1_4520b5676d9010b4.dn}/rslacpPol"
  class_name = "infraRsLacpPol"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnLacpLagPolName = "LACP_K8C1"
  }
}

resource "aci_rest_managed" "accbundle_VPC_K8C1_K8C1S2_bea88de1944fece8" {
  dn         = "uni/infra/funcprof/accbundle-VPC_K8C1_K8C1S2"
  class_name = "infraAccBndlGrp"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    lagT = "node"
    name = "VPC_K8C1_K8C1S2"
  }
}

resource "aci_rest_managed" "rsattEntP_36ff068ef8ce5550" {
  dn         = "${aci_rest_managed.accbundle_VPC_K8C1_K8C1S2_bea88de1944fece8.dn}/rsattEntP"
  class_name = "infraRsAttEntP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tDn = "uni/infra/attentp-AEP_K8C1"
  }
}

resource "aci_rest_managed" "rsl2IfPol_928b96536401a93d" {
  dn         = "${aci_rest_managed.accbundle_VPC_K8C1_K8C1S2_bea88de1944fece8.dn}/rsl2IfPol"
  class_name = "infraRsL2IfPol"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnL2IfPolName = "L2_K8C1"
  }
}

resource "aci_rest_managed" "rslldpIfPol_dc97955b3f51b8dd" {
  dn         = "${aci_rest_managed.accbundle_VPC_K8C1_K8C1S2_bea88de1944fece8.dn}/rslldpIfPol"
  class_name = "infraRsLldpIfPol"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnLldpIfPolName = "LLDP_K8C1"
  }
}

resource "aci_rest_managed" "rslacpPol_1c63ff3123766117" {
  dn         = "${aci_rest_managed.accbundle_VPC_K8C1_K8C1S2_bea88de1944fece8.dn}/rslacpPol"
  class_name = "infraRsLacpPol"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnLacpLagPolName = "LACP_K8C1"
  }
}

resource "aci_rest_managed" "accportprof_LIP_K8C1_LEAF201_a852ed85e8ce0359" {
  dn         = "uni/infra/accportprof-LIP_K8C1_LEAF201"
  class_name = "infraAccPortP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "LIP_K8C1_LEAF201"
  }
}

resource "aci_rest_managed" "hports_K8C1M0_typ_range_9061e2d7887f5fe5" {
  dn         = "${aci_rest_managed.accportprof_LIP_K8C1_LEAF201_a852ed85e8ce0359.dn}/hports-K8C1M0-typ-range"
  class_name = "infraHPortS"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "K8C1M0"
    type = "range"
  }
}

resource "aci_rest_managed" "rsaccBaseGrp_5d90c1ed1f8dc762" {
  dn         = "${aci_rest_managed.hports_K8C1M0_typ_range_9061e2d7887f5fe5.dn}/rsaccBaseGrp"
  class_name = "infraRsAccBaseGrp"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tDn = "uni/infra/funcprof/accbundle-VPC_K8C1_K8C1M0"
  }
}

resource "aci_rest_managed" "portblk_PORT_1_3_12582ca4d233b16b" {
  dn         = "${aci_rest_managed.hports_K8C1M0_typ_range_9061e2d7887f5fe5.dn}/portblk-PORT_1_3"
  class_name = "infraPortBlk"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    fromCard = "1"
    fromPort = "3"
    name     = "PORT_1_3"
    toCard   = "1"
    toPort   = "3"
  }
}

resource "aci_rest_managed" "hports_K8C1S1_typ_range_bb1b039785adad24" {
  dn         = "${aci_rest_managed.accportprof_LIP_K8C1_LEAF201_a852ed85e8ce0359.dn}/hports-K8C1S1-typ-range"
  class_name = "infraHPortS"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "K8C1S1"
    type = "range"
  }
}

resource "aci_rest_managed" "rsaccBaseGrp_5e47786b7ced4386" {
  dn         = "${aci_rest_managed.hports_K8C1S1_typ_range_bb1b039785adad24.dn}/rsaccBaseGrp"
  class_name = "infraRsAccBaseGrp"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tDn = "uni/infra/funcprof/accbundle-VPC_K8C1_K8C1S1"
  }
}

resource "aci_rest_managed" "portblk_PORT_1_4_638eb4ed37f8b2b6" {
  dn         = "${aci_rest_managed.hports_K8C1S1_typ_range_bb1b039785adad24.dn}/portblk-PORT_1_4"
  class_name = "infraPortBlk"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    fromCard = "1"
    fromPort = "4"
    name     = "PORT_1_4"
    toCard   = "1"
    toPort   = "4"
  }
}

resource "aci_rest_managed" "hports_K8C1S2_typ_range_5a25a1d94fdd1d04" {
  dn         = "${aci_rest_managed.accportprof_LIP_K8C1_LEAF201_a852ed85e8ce0359.dn}/hports-K8C1S2-typ-range"
  class_name = "infraHPortS"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "K8C1S2"
    type = "range"
  }
}

resource "aci_rest_managed" "rsaccBaseGrp_bf836a7a68dcc499" {
  dn         = "${aci_rest_managed.hports_K8C1S2_typ_range_5a25a1d94fdd1d04.dn}/rsaccBaseGrp"
  class_name = "infraRsAccBaseGrp"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tDn = "uni/infra/funcprof/accbundle-VPC_K8C1_K8C1S2"
  }
}

resource "aci_rest_managed" "portblk_PORT_1_5_c90a9dc859d7e20e" {
  dn         = "${aci_rest_managed.hports_K8C1S2_typ_range_5a25a1d94fdd1d04.dn}/portblk-PORT_1_5"
  class_name = "infraPortBlk"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    fromCard = "1"
    fromPort = "5"
    name     = "PORT_1_5"
    toCard   = "1"
    toPort   = "5"
  }
}

resource "aci_rest_managed" "accportprof_LIP_K8C1_LEAF202_23e87ef7d5595cd5" {
  dn         = "uni/infra/accportprof-LIP_K8C1_LEAF202"
  class_name = "infraAccPortP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "LIP_K8C1_LEAF202"
  }
}

resource "aci_rest_managed" "hports_K8C1M0_typ_range_93af665374e67036" {
  dn         = "${aci_rest_managed.accportprof_LIP_K8C1_LEAF202_23e87ef7d5595cd5.dn}/hports-K8C1M0-typ-range"
  class_name = "infraHPortS"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "K8C1M0"
    type = "range"
  }
}

resource "aci_rest_managed" "rsaccBaseGrp_03824971b5f7c447" {
  dn         = "${aci_rest_managed.hports_K8C1M0_typ_range_93af665374e67036.dn}/rsaccBaseGrp"
  class_name = "infraRsAccBaseGrp"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tDn = "uni/infra/funcprof/accbundle-VPC_K8C1_K8C1M0"
  }
}

resource "aci_rest_managed" "portblk_PORT_1_3_082f661a77da9965" {
  dn         = "${aci_rest_managed.hports_K8C1M0_typ_range_93af665374e67036.dn}/portblk-PORT_1_3"
  class_name = "infraPortBlk"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    fromCard = "1"
    fromPort = "3"
    name     = "PORT_1_3"
    toCard   = "1"
    toPort   = "3"
  }
}

resource "aci_rest_managed" "hports_K8C1S1_typ_range_6cffc17255d3cf38" {
  dn         = "${aci_rest_managed.accportprof_LIP_K8C1_LEAF202_23e87ef7d5595cd5.dn}/hports-K8C1S1-typ-range"
  class_name = "infraHPortS"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "K8C1S1"
    type = "range"
  }
}

resource "aci_rest_managed" "rsaccBaseGrp_2c4aed7a5a163402" {
  dn         = "${aci_rest_managed.hports_K8C1S1_typ_range_6cffc17255d3cf38.dn}/rsaccBaseGrp"
  class_name = "infraRsAccBaseGrp"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tDn = "uni/infra/funcprof/accbundle-VPC_K8C1_K8C1S1"
  }
}

resource "aci_rest_managed" "portblk_PORT_1_4_08742d1e3f7bd076" {
  dn         = "${aci_rest_managed.hports_K8C1S1_typ_range_6cffc17255d3cf38.dn}/portblk-PORT_1_4"
  class_name = "infraPortBlk"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    fromCard = "1"
    fromPort = "4"
    name     = "PORT_1_4"
    toCard   = "1"
    toPort   = "4"
  }
}

resource "aci_rest_managed" "hports_K8C1S2_typ_range_428b768fcc21fe97" {
  dn         = "${aci_rest_managed.accportprof_LIP_K8C1_LEAF202_23e87ef7d5595cd5.dn}/hports-K8C1S2-typ-range"
  class_name = "infraHPortS"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "K8C1S2"
    type = "range"
  }
}

resource "aci_rest_managed" "rsaccBaseGrp_a90d28c863f44712" {
  dn         = "${aci_rest_managed.hports_K8C1S2_typ_range_428b768fcc21fe97.dn}/rsaccBaseGrp"
  class_name = "infraRsAccBaseGrp"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tDn = "uni/infra/funcprof/accbundle-VPC_K8C1_K8C1S2"
  }
}

resource "aci_rest_managed" "portblk_PORT_1_5_8ae6185841d2e4f0" {
  dn         = "${aci_rest_managed.hports_K8C1S2_typ_range_428b768fcc21fe97.dn}/portblk-PORT_1_5"
  class_name = "infraPortBlk"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    fromCard = "1"
    fromPort = "5"
    name     = "PORT_1_5"
    toCard   = "1"
    toPort   = "5"
  }
}

resource "aci_rest_managed" "nprof_LSP_K8C1_LEAF201_3ba1a11ee4578204" {
  dn         = "uni/infra/nprof-LSP_K8C1_LEAF201"
  class_name = "infraNodeP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "LSP_K8C1_LEAF201"
  }
}

resource "aci_rest_managed" "leaves_LEAF201_typ_range_86b553004983b695" {
  dn         = "${aci_rest_managed.nprof_LSP_K8C1_LEAF201_3ba1a11ee4578204.dn}/leaves-LEAF201-typ-range"
  class_name = "infraLeafS"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "LEAF201"
    type = "range"
  }
}

resource "aci_rest_managed" "nodeblk_LEAF201_481a2f677cc3d973" {
  dn         = "${aci_rest_managed.leaves_LEAF201_typ_range_86b553004983b695.dn}/nodeblk-LEAF201"
  class_name = "infraNodeBlk"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    from_ = "201"
    name  = "LEAF201"
    to_   = "201"
  }
}

resource "aci_rest_managed" "rsaccPortP_uni_infra_accportprof_LIP_K8C1_LEAF201_3d5dd3702be4d3bd" {
  dn         = "${aci_rest_managed.nprof_LSP_K8C1_LEAF201_3ba1a11ee4578204.dn}/rsaccPortP-[uni/infra/accportprof-LIP_K8C1_LEAF201]"
  class_name = "infraRsAccPortP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tDn = "uni/infra/accportprof-LIP_K8C1_LEAF201"
  }
}

resource "aci_rest_managed" "nprof_LSP_K8C1_LEAF202_2129e1d0e8aa32c2" {
  dn         = "uni/infra/nprof-LSP_K8C1_LEAF202"
  class_name = "infraNodeP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "LSP_K8C1_LEAF202"
  }
}

resource "aci_rest_managed" "leaves_LEAF202_typ_range_46309ac6199ac13d" {
  dn         = "${aci_rest_managed.nprof_LSP_K8C1_LEAF202_2129e1d0e8aa32c2.dn}/leaves-LEAF202-typ-range"
  class_name = "infraLeafS"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "LEAF202"
    type = "range"
  }
}

resource "aci_rest_managed" "nodeblk_LEAF202_c320652e28f41e11" {
  dn         = "${aci_rest_managed.leaves_LEAF202_typ_range_46309ac6199ac13d.dn}/nodeblk-LEAF202"
  class_name = "infraNodeBlk"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    from_ = "202"
    name  = "LEAF202"
    to_   = "202"
  }
}

resource "aci_rest_managed" "rsaccPortP_uni_infra_accportprof_LIP_K8C1_LEAF202_05bde3b6f6ae935c" {
  dn         = "${aci_rest_managed.nprof_LSP_K8C1_LEAF202_2129e1d0e8aa32c2.dn}/rsaccPortP-[uni/infra/accportprof-LIP_K8C1_LEAF202]"
  class_name = "infraRsAccPortP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tDn = "uni/infra/accportprof-LIP_K8C1_LEAF202"
  }
}

resource "aci_rest_managed" "tn_TEN_K8_C1_020e18477254738c" {
  dn         = "uni/tn-TEN_K8_C1"
  class_name = "fvTenant"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "TEN_K8_C1"
  }
}

resource "aci_rest_managed" "ctx_VRF_K8_C1_5f7e3316ef013db0" {
  dn         = "${aci_rest_managed.tn_TEN_K8_C1_020e18477254738c.dn}/ctx-VRF_K8_C1"
  class_name = "fvCtx"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name      = "VRF_K8_C1"
    pcEnfPref = "enforced"
  }
}

resource "aci_rest_managed" "rsctxToBgpCtxAfPol_BGP_K8C1_ipv4_ucast_0caf6103857fd267" {
  dn         = "${aci_rest_managed.ctx_VRF_K8_C1_5f7e3316ef013db0.dn}/rsctxToBgpCtxAfPol-[BGP_K8C1]-ipv4-ucast"
  class_name = "fvRsCtxToBgpCtxAfPol"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    af                = "ipv4-ucast"
    tnBgpCtxAfPolName = "BGP_K8C1"
  }
}

resource "aci_rest_managed" "bgpCtxAfP_BGP_K8C1_347d83590fe72eb3" {
  dn         = "${aci_rest_managed.tn_TEN_K8_C1_020e18477254738c.dn}/bgpCtxAfP-BGP_K8C1"
  class_name = "bgpCtxAfPol"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    maxEcmp     = "64"
    maxEcmpIbgp = "64"
    name        = "BGP_K8C1"
  }
}

resource "aci_rest_managed" "bgpCtxP_BGP_K8C1_fef91e41ebd6110a" {
  dn         = "${aci_rest_managed.tn_TEN_K8_C1_020e18477254738c.dn}/bgpCtxP-BGP_K8C1"
  class_name = "bgpCtxPol"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    grCtrl    = "helper"
    holdIntvl = "180"
    kaIntvl   = "60"
    name      = "BGP_K8C1"
  }
}

resource "aci_rest_managed" "bestpath_BGP_K8C1_e1123e1653670496" {
  dn         = "${aci_rest_managed.tn_TEN_K8_C1_020e18477254738c.dn}/bestpath-BGP_K8C1"
  class_name = "bgpBestPathCtrlPol"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    ctrl = "asPathMultipathRelax"
    name = "BGP_K8C1"
  }
}

resource "aci_rest_managed" "bgpPfxP_BGP_K8C1_5b134eb230120d05" {
  dn         = "${aci_rest_managed.tn_TEN_K8_C1_020e18477254738c.dn}/bgpPfxP-BGP_K8C1"
  class_name = "bgpPeerPfxPol"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    action = "reject"
    maxPfx = "500"
    name   = "BGP_K8C1"
  }
}

resource "aci_rest_managed" "ospfIfPol_OSPF_K8C1_239bd37bc5d5c61d" {
  dn         = "${aci_rest_managed.tn_TEN_K8_C1_020e18477254738c.dn}/ospfIfPol-OSPF_K8C1"
  class_name = "ospfIfPol"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "OSPF_K8C1"
    nwT  = "bcast"
  }
}

resource "aci_rest_managed" "flt_FLT_LINUX_MGMT_8b1870e6b3634e1b" {
  dn         = "${aci_rest_managed.tn_TEN_K8_C1_020e18477254738c.dn}/flt-FLT_LINUX_MGMT"
  class_name = "vzFilter"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "FLT_LINUX_MGMT"
  }
}

resource "aci_rest_managed" "e_ssh_7f8041877fdcb50c" {
  dn         = "${aci_rest_managed.flt_FLT_LINUX_MGMT_8b1870e6b3634e1b.dn}/e-ssh"
  class_name = "vzEntry"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    dFromPort = "ssh"
    dToPort   = "ssh"
    etherT    = "ip"
    name      = "ssh"
    prot      = "tcp"
    stateful  = "yes"
  }
}

resource "aci_rest_managed" "e_icmp_e4ca260cf9c5657b" {
  dn         = "${aci_rest_managed.flt_FLT_LINUX_MGMT_8b1870e6b3634e1b.dn}/e-icmp"
  class_name = "vzEntry"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    etherT = "ip"
    name   = "icmp"
    prot   = "icmp"
  }
}

resource "aci_rest_managed" "e_kube_apiserver_c760539991f5badc" {
  dn         = "${aci_rest_managed.flt_FLT_LINUX_MGMT_8b1870e6b3634e1b.dn}/e-kube-apiserver"
  class_name = "vzEntry"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    dFromPort = "6443"
    dToPort   = "6443"
    etherT    = "ip"
    name      = "kube-apiserver"
    prot      = "tcp"
    stateful  = "yes"
  }
}

resource "aci_rest_managed" "brc_CNT_LINUX_MGMT_aa6ec9cc8f5ce1cf" {
  dn         = "${aci_rest_managed.tn_TEN_K8_C1_020e18477254738c.dn}/brc-CNT_LINUX_MGMT"
  class_name = "vzBrCP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name  = "CNT_LINUX_MGMT"
    scope = "context"
  }
}

resource "aci_rest_managed" "subj_SBJ_LINUX_MGMT_55e7cfe152d8a119" {
  dn         = "${aci_rest_managed.brc_CNT_LINUX_MGMT_aa6ec9cc8f5ce1cf.dn}/subj-SBJ_LINUX_MGMT"
  class_name = "vzSubj"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name        = "SBJ_LINUX_MGMT"
    revFltPorts = "yes"
  }
}

resource "aci_rest_managed" "rssubjFiltAtt_FLT_LINUX_MGMT_b5d57bf9c11c7a8d" {
  dn         = "${aci_rest_managed.subj_SBJ_LINUX_MGMT_55e7cfe152d8a119.dn}/rssubjFiltAtt-FLT_LINUX_MGMT"
  class_name = "vzRsSubjFiltAtt"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnVzFilterName = "FLT_LINUX_MGMT"
  }
}

resource "aci_rest_managed" "flt_FLT_INTERNET_30284dfc7fb303f4" {
  dn         = "${aci_rest_managed.tn_TEN_K8_C1_020e18477254738c.dn}/flt-FLT_INTERNET"
  class_name = "vzFilter"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "FLT_INTERNET"
  }
}

resource "aci_rest_managed" "e_http_42eb5acfc5784905" {
  dn         = "${aci_rest_managed.flt_FLT_INTERNET_30284dfc7fb303f4.dn}/e-http"
  class_name = "vzEntry"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    dFromPort = "http"
    dToPort   = "http"
    etherT    = "ip"
    name      = "http"
    prot      = "tcp"
    stateful  = "yes"
  }
}

resource "aci_rest_managed" "e_https_2a053db09bd008ba" {
  dn         = "${aci_rest_managed.flt_FLT_INTERNET_30284dfc7fb303f4.dn}/e-https"
  class_name = "vzEntry"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    dFromPort = "https"
    dToPort   = "https"
    etherT    = "ip"
    name      = "https"
    prot      = "tcp"
    stateful  = "yes"
  }
}

resource "aci_rest_managed" "e_ssh_10192475a959c75d" {
  dn         = "${aci_rest_managed.flt_FLT_INTERNET_30284dfc7fb303f4.dn}/e-ssh"
  class_name = "vzEntry"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    dFromPort = "ssh"
    dToPort   = "ssh"
    etherT    = "ip"
    name      = "ssh"
    prot      = "tcp"
    stateful  = "yes"
  }
}

resource "aci_rest_managed" "e_icmp_031c26274958fc5b" {
  dn         = "${aci_rest_managed.flt_FLT_INTERNET_30284dfc7fb303f4.dn}/e-icmp"
  class_name = "vzEntry"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    etherT = "ip"
    name   = "icmp"
    prot   = "icmp"
  }
}

resource "aci_rest_managed" "e_dns_cbcd03ff3f0f5ad6" {
  dn         = "${aci_rest_managed.flt_FLT_INTERNET_30284dfc7fb303f4.dn}/e-dns"
  class_name = "vzEntry"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    dFromPort = "dns"
    dToPort   = "dns"
    etherT    = "ip"
    name      = "dns"
    prot      = "udp"
  }
}

resource "aci_rest_managed" "e_dns_tcp_b567036f1a402a3d" {
  dn         = "${aci_rest_managed.flt_FLT_INTERNET_30284dfc7fb303f4.dn}/e-dns-tcp"
  class_name = "vzEntry"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    dFromPort = "dns"
    dToPort   = "dns"
    etherT    = "ip"
    name      = "dns-tcp"
    prot      = "tcp"
    stateful  = "yes"
  }
}

resource "aci_rest_managed" "e_ntp_d304c9251fbf9ac3" {
  dn         = "${aci_rest_managed.flt_FLT_INTERNET_30284dfc7fb303f4.dn}/e-ntp"
  class_name = "vzEntry"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    dFromPort = "123"
    dToPort   = "123"
    etherT    = "ip"
    name      = "ntp"
    prot      = "udp"
  }
}

resource "aci_rest_managed" "e_joinsvc_9c0e7040583f7a6d" {
  dn         = "${aci_rest_managed.flt_FLT_INTERNET_30284dfc7fb303f4.dn}/e-joinsvc"
  class_name = "vzEntry"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    dFromPort = "8443"
    dToPort   = "8443"
    etherT    = "ip"
    name      = "joinsvc"
    prot      = "tcp"
    stateful  = "yes"
  }
}

resource "aci_rest_managed" "brc_CNT_INTERNET_ab589d028bf777ca" {
  dn         = "${aci_rest_managed.tn_TEN_K8_C1_020e18477254738c.dn}/brc-CNT_INTERNET"
  class_name = "vzBrCP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name  = "CNT_INTERNET"
    scope = "context"
  }
}

resource "aci_rest_managed" "subj_SBJ_INTERNET_866a433aeac0d4ef" {
  dn         = "${aci_rest_managed.brc_CNT_INTERNET_ab589d028bf777ca.dn}/subj-SBJ_INTERNET"
  class_name = "vzSubj"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name        = "SBJ_INTERNET"
    revFltPorts = "yes"
  }
}

resource "aci_rest_managed" "rssubjFiltAtt_FLT_INTERNET_b3120762261a380c" {
  dn         = "${aci_rest_managed.subj_SBJ_INTERNET_866a433aeac0d4ef.dn}/rssubjFiltAtt-FLT_INTERNET"
  class_name = "vzRsSubjFiltAtt"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnVzFilterName = "FLT_INTERNET"
  }
}

resource "aci_rest_managed" "flt_FLT_K8_API_SERVER_8bfb655438e569b2" {
  dn         = "${aci_rest_managed.tn_TEN_K8_C1_020e18477254738c.dn}/flt-FLT_K8_API_SERVER"
  class_name = "vzFilter"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "FLT_K8_API_SERVER"
  }
}

resource "aci_rest_managed" "e_any_43a839c4388d3031" {
  dn         = "${aci_rest_managed.flt_FLT_K8_API_SERVER_8bfb655438e569b2.dn}/e-any"
  class_name = "vzEntry"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    etherT = "unspecified"
    name   = "any"
  }
}

resource "aci_rest_managed" "brc_CNT_K8_API_SERVER_174d4c7f163ea98b" {
  dn         = "${aci_rest_managed.tn_TEN_K8_C1_020e18477254738c.dn}/brc-CNT_K8_API_SERVER"
  class_name = "vzBrCP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name  = "CNT_K8_API_SERVER"
    scope = "context"
  }
}

resource "aci_rest_managed" "subj_SBJ_K8_API_SERVER_5cc1740f8ed304cf" {
  dn         = "${aci_rest_managed.brc_CNT_K8_API_SERVER_174d4c7f163ea98b.dn}/subj-SBJ_K8_API_SERVER"
  class_name = "vzSubj"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name        = "SBJ_K8_API_SERVER"
    revFltPorts = "yes"
  }
}

resource "aci_rest_managed" "rssubjFiltAtt_FLT_K8_API_SERVER_bce0c348a651c1b8" {
  dn         = "${aci_rest_managed.subj_SBJ_K8_API_SERVER_5cc1740f8ed304cf.dn}/rssubjFiltAtt-FLT_K8_API_SERVER"
  class_name = "vzRsSubjFiltAtt"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnVzFilterName = "FLT_K8_API_SERVER"
  }
}

resource "aci_rest_managed" "flt_FLT_K8_APP_MCAST_bf6b1d14f2f68a54" {
  dn         = "${aci_rest_managed.tn_TEN_K8_C1_020e18477254738c.dn}/flt-FLT_K8_APP_MCAST"
  class_name = "vzFilter"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "FLT_K8_APP_MCAST"
  }
}

resource "aci_rest_managed" "e_tcp_80_3c555cc6fb2c1cf4" {
  dn         = "${aci_rest_managed.flt_FLT_K8_APP_MCAST_bf6b1d14f2f68a54.dn}/e-tcp-80"
  class_name = "vzEntry"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    dFromPort = "http"
    dToPort   = "http"
    etherT    = "ip"
    name      = "tcp-80"
    prot      = "tcp"
    stateful  = "yes"
  }
}

resource "aci_rest_managed" "brc_CNT_K8_APP_MCAST_fe0b59795f60e23d" {
  dn         = "${aci_rest_managed.tn_TEN_K8_C1_020e18477254738c.dn}/brc-CNT_K8_APP_MCAST"
  class_name = "vzBrCP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name  = "CNT_K8_APP_MCAST"
    scope = "context"
  }
}

resource "aci_rest_managed" "subj_SBJ_K8_APP_MCAST_e31d56c321707b92" {
  dn         = "${aci_rest_managed.brc_CNT_K8_APP_MCAST_fe0b59795f60e23d.dn}/subj-SBJ_K8_APP_MCAST"
  class_name = "vzSubj"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name        = "SBJ_K8_APP_MCAST"
    revFltPorts = "yes"
  }
}

resource "aci_rest_managed" "rssubjFiltAtt_FLT_K8_APP_MCAST_b9351d54e1461f27" {
  dn         = "${aci_rest_managed.subj_SBJ_K8_APP_MCAST_e31d56c321707b92.dn}/rssubjFiltAtt-FLT_K8_APP_MCAST"
  class_name = "vzRsSubjFiltAtt"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnVzFilterName = "FLT_K8_APP_MCAST"
  }
}

resource "aci_rest_managed" "flt_FLT_K8_APP_K8_DASHBOARD_5a4171a4d8adac44" {
  dn         = "${aci_rest_managed.tn_TEN_K8_C1_020e18477254738c.dn}/flt-FLT_K8_APP_K8_DASHBOARD"
  class_name = "vzFilter"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "FLT_K8_APP_K8_DASHBOARD"
  }
}

resource "aci_rest_managed" "e_tcp_443_3dc681f12ccb67fd" {
  dn         = "${aci_rest_managed.flt_FLT_K8_APP_K8_DASHBOARD_5a4171a4d8adac44.dn}/e-tcp-443"
  class_name = "vzEntry"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    dFromPort = "https"
    dToPort   = "https"
    etherT    = "ip"
    name      = "tcp-443"
    prot      = "tcp"
    stateful  = "yes"
  }
}

resource "aci_rest_managed" "brc_CNT_K8_APP_K8_DASHBOARD_0abfa2c654ec4558" {
  dn         = "${aci_rest_managed.tn_TEN_K8_C1_020e18477254738c.dn}/brc-CNT_K8_APP_K8_DASHBOARD"
  class_name = "vzBrCP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name  = "CNT_K8_APP_K8_DASHBOARD"
    scope = "context"
  }
}

resource "aci_rest_managed" "subj_SBJ_K8_APP_K8_DASHBOARD_83d9d8217da9da0e" {
  dn         = "${aci_rest_managed.brc_CNT_K8_APP_K8_DASHBOARD_0abfa2c654ec4558.dn}/subj-SBJ_K8_APP_K8_DASHBOARD"
  class_name = "vzSubj"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name        = "SBJ_K8_APP_K8_DASHBOARD"
    revFltPorts = "yes"
  }
}

resource "aci_rest_managed" "rssubjFiltAtt_FLT_K8_APP_K8_DASHBOARD_d4ea77401b55dc18" {
  dn         = "${aci_rest_managed.subj_SBJ_K8_APP_K8_DASHBOARD_83d9d8217da9da0e.dn}/rssubjFiltAtt-FLT_K8_APP_K8_DASHBOARD"
  class_name = "vzRsSubjFiltAtt"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnVzFilterName = "FLT_K8_APP_K8_DASHBOARD"
  }
}

resource "aci_rest_managed" "subj_MATCH_K8C1_PODS_cfd20c11ccd9e126" {
  dn         = "${aci_rest_managed.tn_TEN_K8_C1_020e18477254738c.dn}/subj-MATCH_K8C1_PODS"
  class_name = "rtctrlSubjP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "MATCH_K8C1_PODS"
  }
}

resource "aci_rest_managed" "dest_172_27_0_0_16_6bf95ce1ff15eccd" {
  dn         = "${aci_rest_managed.subj_MATCH_K8C1_PODS_cfd20c11ccd9e126.dn}/dest-[172.27.0.0/16]"
  class_name = "rtctrlMatchRtDest"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    aggregate = "yes"
    ip        = "172.27.0.0/16"
  }
}

resource "aci_rest_managed" "subj_MATCH_K8C1_LOADBALANCERS_ac0134c22f8dc237" {
  dn         = "${aci_rest_managed.tn_TEN_K8_C1_020e18477254738c.dn}/subj-MATCH_K8C1_LOADBALANCERS"
  class_name = "rtctrlSubjP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "MATCH_K8C1_LOADBALANCERS"
  }
}

resource "aci_rest_managed" "dest_172_29_0_0_16_d6393380ca28986e" {
  dn         = "${aci_rest_managed.subj_MATCH_K8C1_LOADBALANCERS_ac0134c22f8dc237.dn}/dest-[172.29.0.0/16]"
  class_name = "rtctrlMatchRtDest"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    aggregate = "yes"
    ip        = "172.29.0.0/16"
  }
}

resource "aci_rest_managed" "subj_MATCH_K8C1_DEFAULT_6a585aa67d126c42" {
  dn         = "${aci_rest_managed.tn_TEN_K8_C1_020e18477254738c.dn}/subj-MATCH_K8C1_DEFAULT"
  class_name = "rtctrlSubjP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "MATCH_K8C1_DEFAULT"
  }
}

resource "aci_rest_managed" "dest_0_0_0_0_0_27354915968c8fc5" {
  dn         = "${aci_rest_managed.subj_MATCH_K8C1_DEFAULT_6a585aa67d126c42.dn}/dest-[0.0.0.0/0]"
  class_name = "rtctrlMatchRtDest"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    aggregate = "no"
    ip        = "0.0.0.0/0"
  }
}

resource "aci_rest_managed" "subj_MATCH_K8C1_ADVERTISED_b7191a3610af679d" {
  dn         = "${aci_rest_managed.tn_TEN_K8_C1_020e18477254738c.dn}/subj-MATCH_K8C1_ADVERTISED"
  class_name = "rtctrlSubjP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "MATCH_K8C1_ADVERTISED"
  }
}

resource "aci_rest_managed" "dest_10_243_176_0_24_a926d136a1fcda8c" {
  dn         = "${aci_rest_managed.subj_MATCH_K8C1_ADVERTISED_b7191a3610af679d.dn}/dest-[10.243.176.0/24]"
  class_name = "rtctrlMatchRtDest"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    aggregate = "no"
    ip        = "10.243.176.0/24"
  }
}

resource "aci_rest_managed" "dest_172_16_1_0_24_8bf634fae0f782b2" {
  dn         = "${aci_rest_managed.subj_MATCH_K8C1_ADVERTISED_b7191a3610af679d.dn}/dest-[172.16.1.0/24]"
  class_name = "rtctrlMatchRtDest"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    aggregate = "no"
    ip        = "172.16.1.0/24"
  }
}

resource "aci_rest_managed" "subj_MATCH_K8C1_NODES_24d4636f2486f303" {
  dn         = "${aci_rest_managed.tn_TEN_K8_C1_020e18477254738c.dn}/subj-MATCH_K8C1_NODES"
  class_name = "rtctrlSubjP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "MATCH_K8C1_NODES"
  }
}

resource "aci_rest_managed" "dest_192_168_9_192_28_e73ffb9aaec817a7" {
  dn         = "${aci_rest_managed.subj_MATCH_K8C1_NODES_24d4636f2486f303.dn}/dest-[192.168.9.192/28]"
  class_name = "rtctrlMatchRtDest"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    aggregate = "no"
    ip        = "192.168.9.192/28"
  }
}

resource "aci_rest_managed" "out_L3O_K8_C1_0bf99450c3ea2f24" {
  dn         = "${aci_rest_managed.tn_TEN_K8_C1_020e18477254738c.dn}/out-L3O_K8_C1"
  class_name = "l3extOut"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    enforceRtctrl = "export,import"
    name          = "L3O_K8_C1"
  }
}

resource "aci_rest_managed" "rsectx_d0016bed1069b770" {
  dn         = "${aci_rest_managed.out_L3O_K8_C1_0bf99450c3ea2f24.dn}/rsectx"
  class_name = "l3extRsEctx"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnFvCtxName = "VRF_K8_C1"
  }
}

resource "aci_rest_managed" "rsl3DomAtt_c476eca286822af3" {
  dn         = "${aci_rest_managed.out_L3O_K8_C1_0bf99450c3ea2f24.dn}/rsl3DomAtt"
  class_name = "l3extRsL3DomAtt"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tDn = "uni/l3dom-L3D_K8C1"
  }
}

resource "aci_rest_managed" "bgpExtP_be1312c1c61b64c7" {
  dn         = "${aci_rest_managed.out_L3O_K8_C1_0bf99450c3ea2f24.dn}/bgpExtP"
  class_name = "bgpExtP"
  annotation = "orchestrator:joinsvc-k8c1"
}

resource "aci_rest_managed" "prof_default_export_43bfc8f9c607b85d" {
  dn         = "${aci_rest_managed.out_L3O_K8_C1_0bf99450c3ea2f24.dn}/prof-default-export"
  class_name = "rtctrlProfile"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "default-export"
    type = "combinable"
  }
}

resource "aci_rest_managed" "ctx_MATCH_K8C1_DEFAULT_36e4dcddf0d04c5a" {
  dn         = "${aci_rest_managed.prof_default_export_43bfc8f9c607b85d.dn}/ctx-MATCH_K8C1_DEFAULT"
  class_name = "rtctrlCtxP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    action = "permit"
    name   = "MATCH_K8C1_DEFAULT"
    order  = "0"
  }
}

resource "aci_rest_managed" "rsctxPToSubjP_MATCH_K8C1_DEFAULT_2d06d691b65df4eb" {
  dn         = "${aci_rest_managed.ctx_MATCH_K8C1_DEFAULT_36e4dcddf0d04c5a.dn}/rsctxPToSubjP-MATCH_K8C1_DEFAULT"
  class_name = "rtctrlRsCtxPToSubjP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnRtctrlSubjPName = "MATCH_K8C1_DEFAULT"
  }
}

resource "aci_rest_managed" "ctx_MATCH_K8C1_ADVERTISED_8291ba1a2efe3b71" {
  dn         = "${aci_rest_managed.prof_default_export_43bfc8f9c607b85d.dn}/ctx-MATCH_K8C1_ADVERTISED"
  class_name = "rtctrlCtxP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    action = "permit"
    name   = "MATCH_K8C1_ADVERTISED"
    order  = "1"
  }
}

resource "aci_rest_managed" "rsctxPToSubjP_MATCH_K8C1_ADVERTISED_6ff455ef79ec6160" {
  dn         = "${aci_rest_managed.ctx_MATCH_K8C1_ADVERTISED_8291ba1a2efe3b71.dn}/rsctxPToSubjP-MATCH_K8C1_ADVERTISED"
  class_name = "rtctrlRsCtxPToSubjP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnRtctrlSubjPName = "MATCH_K8C1_ADVERTISED"
  }
}

resource "aci_rest_managed" "ctx_MATCH_K8C1_PODS_7d0754fea78b0961" {
  dn         = "${aci_rest_managed.prof_default_export_43bfc8f9c607b85d.dn}/ctx-MATCH_K8C1_PODS"
  class_name = "rtctrlCtxP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    action = "permit"
    name   = "MATCH_K8C1_PODS"
    order  = "2"
  }
}

resource "aci_rest_managed" "rsctxPToSubjP_MATCH_K8C1_PODS_a543fa4e824c65cc" {
  dn         = "${aci_rest_managed.ctx_MATCH_K8C1_PODS_7d0754fea78b0961.dn}/rsctxPToSubjP-MATCH_K8C1_PODS"
  class_name = "rtctrlRsCtxPToSubjP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnRtctrlSubjPName = "MATCH_K8C1_PODS"
  }
}

resource "aci_rest_managed" "ctx_MATCH_K8C1_LOADBALANCERS_4e2effc96abeb7fc" {
  dn         = "${aci_rest_managed.prof_default_export_43bfc8f9c607b85d.dn}/ctx-MATCH_K8C1_LOADBALANCERS"
  class_name = "rtctrlCtxP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    action = "permit"
    name   = "MATCH_K8C1_LOADBALANCERS"
    order  = "3"
  }
}

resource "aci_rest_managed" "rsctxPToSubjP_MATCH_K8C1_LOADBALANCERS_760dd3c1364f9285" {
  dn         = "${aci_rest_managed.ctx_MATCH_K8C1_LOADBALANCERS_4e2effc96abeb7fc.dn}/rsctxPToSubjP-MATCH_K8C1_LOADBALANCERS"
  class_name = "rtctrlRsCtxPToSubjP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnRtctrlSubjPName = "MATCH_K8C1_LOADBALANCERS"
  }
}

resource "aci_rest_managed" "prof_default_import_6d85c86487cb2b2b" {
  dn         = "${aci_rest_managed.out_L3O_K8_C1_0bf99450c3ea2f24.dn}/prof-default-import"
  class_name = "rtctrlProfile"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "default-import"
    type = "combinable"
  }
}

resource "aci_rest_managed" "ctx_MATCH_K8C1_PODS_475f0c129b1717bd" {
  dn         = "${aci_rest_managed.prof_default_import_6d85c86487cb2b2b.dn}/ctx-MATCH_K8C1_PODS"
  class_name = "rtctrlCtxP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    action = "permit"
    name   = "MATCH_K8C1_PODS"
    order  = "0"
  }
}

resource "aci_rest_managed" "rsctxPToSubjP_MATCH_K8C1_PODS_a58ac5e20f583d42" {
  dn         = "${aci_rest_managed.ctx_MATCH_K8C1_PODS_475f0c129b1717bd.dn}/rsctxPToSubjP-MATCH_K8C1_PODS"
  class_name = "rtctrlRsCtxPToSubjP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnRtctrlSubjPName = "MATCH_K8C1_PODS"
  }
}

resource "aci_rest_managed" "ctx_MATCH_K8C1_LOADBALANCERS_0b0d0e335be8adb7" {
  dn         = "${aci_rest_managed.prof_default_import_6d85c86487cb2b2b.dn}/ctx-MATCH_K8C1_LOADBALANCERS"
  class_name = "rtctrlCtxP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    action = "permit"
    name   = "MATCH_K8C1_LOADBALANCERS"
    order  = "1"
  }
}

resource "aci_rest_managed" "rsctxPToSubjP_MATCH_K8C1_LOADBALANCERS_f1065218e6056a76" {
  dn         = "${aci_rest_managed.ctx_MATCH_K8C1_LOADBALANCERS_0b0d0e335be8adb7.dn}/rsctxPToSubjP-MATCH_K8C1_LOADBALANCERS"
  class_name = "rtctrlRsCtxPToSubjP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnRtctrlSubjPName = "MATCH_K8C1_LOADBALANCERS"
  }
}

resource "aci_rest_managed" "lnodep_NDP_K8C1_74f2d8c8cb9d88af" {
  dn         = "${aci_rest_managed.out_L3O_K8_C1_0bf99450c3ea2f24.dn}/lnodep-NDP_K8C1"
  class_name = "l3extLNodeP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "NDP_K8C1"
  }
}

resource "aci_rest_managed" "rsnodeL3OutAtt_topology_pod_1_node_201_d67a600b636a6a31" {
  dn         = "${aci_rest_managed.lnodep_NDP_K8C1_74f2d8c8cb9d88af.dn}/rsnodeL3OutAtt-[topology/pod-1/node-201]"
  class_name = "l3extRsNodeL3OutAtt"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    rtrId         = "2.0.0.1"
    rtrIdLoopBack = "no"
    tDn           = "topology/pod-1/node-201"
  }
}

resource "aci_rest_managed" "lbp_2_0_0_1_d801b04ed587c672" {
  dn         = "${aci_rest_managed.rsnodeL3OutAtt_topology_pod_1_node_201_d67a600b636a6a31.dn}/lbp-[2.0.0.1]"
  class_name = "l3extLoopBackIfP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    addr = "2.0.0.1"
  }
}

resource "aci_rest_managed" "rsnodeL3OutAtt_topology_pod_1_node_202_11e2ea53a0d6d1a0" {
  dn         = "${aci_rest_managed.lnodep_NDP_K8C1_74f2d8c8cb9d88af.dn}/rsnodeL3OutAtt-[topology/pod-1/node-202]"
  class_name = "l3extRsNodeL3OutAtt"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    rtrId         = "2.0.0.2"
    rtrIdLoopBack = "no"
    tDn           = "topology/pod-1/node-202"
  }
}

resource "aci_rest_managed" "lbp_2_0_0_2_a70e795a8ef9eb3c" {
  dn         = "${aci_rest_managed.rsnodeL3OutAtt_topology_pod_1_node_202_11e2ea53a0d6d1a0.dn}/lbp-[2.0.0.2]"
  class_name = "l3extLoopBackIfP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    addr = "2.0.0.2"
  }
}

resource "aci_rest_managed" "protp_5d7ec952d40913d9" {
  dn         = "${aci_rest_managed.lnodep_NDP_K8C1_74f2d8c8cb9d88af.dn}/protp"
  class_name = "bgpProtP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "BGP_K8C1"
  }
}

resource "aci_rest_managed" "rsbgpNodeCtxPol_aa2c3a18951076e7" {
  dn         = "${aci_rest_managed.protp_5d7ec952d40913d9.dn}/rsbgpNodeCtxPol"
  class_name = "bgpRsBgpNodeCtxPol"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnBgpCtxPolName = "BGP_K8C1"
  }
}

resource "aci_rest_managed" "rsBestPathCtrlPol_de370ecb2c866115" {
  dn         = "${aci_rest_managed.protp_5d7ec952d40913d9.dn}/rsBestPathCtrlPol"
  class_name = "bgpRsBestPathCtrlPol"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnBgpBestPathCtrlPolName = "BGP_K8C1"
  }
}

resource "aci_rest_managed" "lifp_IFP_K8C1_60035ac3ed4ed5f1" {
  dn         = "${aci_rest_managed.lnodep_NDP_K8C1_74f2d8c8cb9d88af.dn}/lifp-IFP_K8C1"
  class_name = "l3extLIfP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "IFP_K8C1"
  }
}

resource "aci_rest_managed" "rspathL3OutAtt_topology_pod_1_protpaths_201_202_pathep_VPC_K8C1_K8C1M0_31a9e94d821d6097" {
  dn         = "${aci_rest_managed.lifp_IFP_K8C1_60035ac3ed4ed5f1.dn}/rspathL3OutAtt-[topology/pod-1/protpaths-201-202/pathep-[VPC_K8C1_K8C1M0]]"
  class_name = "l3extRsPathL3OutAtt"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    addr       = "0.0.0.0"
    encap      = "vlan-1500"
    encapScope = "local"
    ifInstT    = "ext-svi"
    mode       = "regular"
    mtu        = "9000"
    tDn        = "topology/pod-1/protpaths-201-202/pathep-[VPC_K8C1_K8C1M0]"
  }
}

resource "aci_rest_managed" "mem_A_310e4b7acf964c79" {
  dn         = "${aci_rest_managed.rspathL3OutAtt_topology_pod_1_protpaths_201_202_pathep_VPC_K8C1_K8C1M0_31a9e94d821d6097.dn}/mem-A"
  class_name = "l3extMember"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    addr = "192.168.9.204/28"
    side = "A"
  }
}

resource "aci_rest_managed" "addr_192_168_9_206_28_df6e939cb3e7d383" {
  dn         = "${aci_rest_managed.mem_A_310e4b7acf964c79.dn}/addr-[192.168.9.206/28]"
  class_name = "l3extIp"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    addr = "192.168.9.206/28"
  }
}

resource "aci_rest_managed" "mem_B_3099c2f28ef1646f" {
  dn         = "${aci_rest_managed.rspathL3OutAtt_topology_pod_1_protpaths_201_202_pathep_VPC_K8C1_K8C1M0_31a9e94d821d6097.dn}/mem-B"
  class_name = "l3extMember"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    addr = "192.168.9.205/28"
    side = "B"
  }
}

resource "aci_rest_managed" "addr_192_168_9_206_28_4216e5152dd514d2" {
  dn         = "${aci_rest_managed.mem_B_3099c2f28ef1646f.dn}/addr-[192.168.9.206/28]"
  class_name = "l3extIp"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    addr = "192.168.9.206/28"
  }
}

resource "aci_rest_managed" "peerP_192_168_9_193_a131c934f07899ea" {
  dn         = "${aci_rest_managed.rspathL3OutAtt_topology_pod_1_protpaths_201_202_pathep_VPC_K8C1_K8C1M0_31a9e94d821d6097.dn}/peerP-[192.168.9.193]"
  class_name = "bgpPeerP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    addr  = "192.168.9.193"
    ctrl  = "nh-self"
    descr = "k8c1m0"
  }
}

resource "aci_rest_managed" "as_987f923085098942" {
  dn         = "${aci_rest_managed.peerP_192_168_9_193_a131c934f07899ea.dn}/as"
  class_name = "bgpAsP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    asn = "63551"
  }
}

resource "aci_rest_managed" "rspeerPfxPol_171227b9b63df2fa" {
  dn         = "${aci_rest_managed.peerP_192_168_9_193_a131c934f07899ea.dn}/rspeerPfxPol"
  class_name = "bgpRsPeerPfxPol"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnBgpPeerPfxPolName = "BGP_K8C1"
  }
}

resource "aci_rest_managed" "localasn_c8b3b0d568c97416" {
  dn         = "${aci_rest_managed.peerP_192_168_9_193_a131c934f07899ea.dn}/localasn"
  class_name = "bgpLocalAsnP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    asnPropagate = "none"
    localAsn     = "63500"
  }
}

resource "aci_rest_managed" "rspathL3OutAtt_topology_pod_1_protpaths_201_202_pathep_VPC_K8C1_K8C1S1_586d8d40ae628030" {
  dn         = "${aci_rest_managed.lifp_IFP_K8C1_60035ac3ed4ed5f1.dn}/rspathL3OutAtt-[topology/pod-1/protpaths-201-202/pathep-[VPC_K8C1_K8C1S1]]"
  class_name = "l3extRsPathL3OutAtt"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    addr       = "0.0.0.0"
    encap      = "vlan-1500"
    encapScope = "local"
    ifInstT    = "ext-svi"
    mode       = "regular"
    mtu        = "9000"
    tDn        = "topology/pod-1/protpaths-201-202/pathep-[VPC_K8C1_K8C1S1]"
  }
}

resource "aci_rest_managed" "mem_A_7f87160a9e38d271" {
  dn         = "${aci_rest_managed.rspathL3OutAtt_topology_pod_1_protpaths_201_202_pathep_VPC_K8C1_K8C1S1_586d8d40ae628030.dn}/mem-A"
  class_name = "l3extMember"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    addr = "192.168.9.204/28"
    side = "A"
  }
}

resource "aci_rest_managed" "addr_192_168_9_206_28_7b1e3b47ff0d5f69" {
  dn         = "${aci_rest_managed.mem_A_7f87160a9e38d271.dn}/addr-[192.168.9.206/28]"
  class_name = "l3extIp"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    addr = "192.168.9.206/28"
  }
}

resource "aci_rest_managed" "mem_B_89ad3f794b11a624" {
  dn         = "${aci_rest_managed.rspathL3OutAtt_topology_pod_1_protpaths_201_202_pathep_VPC_K8C1_K8C1S1_586d8d40ae628030.dn}/mem-B"
  class_name = "l3extMember"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    addr = "192.168.9.205/28"
    side = "B"
  }
}

resource "aci_rest_managed" "addr_192_168_9_206_28_dafe1c1a4a7bf446" {
  dn         = "${aci_rest_managed.mem_B_89ad3f794b11a624.dn}/addr-[192.168.9.206/28]"
  class_name = "l3extIp"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    addr = "192.168.9.206/28"
  }
}

resource "aci_rest_managed" "peerP_192_168_9_194_64b6f3c310a57562" {
  dn         = "${aci_rest_managed.rspathL3OutAtt_topology_pod_1_protpaths_201_202_pathep_VPC_K8C1_K8C1S1_586d8d40ae628030.dn}/peerP-[192.168.9.194]"
  class_name = "bgpPeerP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    addr  = "192.168.9.194"
    ctrl  = "nh-self"
    descr = "k8c1s1"
  }
}

resource "aci_rest_managed" "as_1d75bbe5c41a6b20" {
  dn         = "${aci_rest_managed.peerP_192_168_9_194_64b6f3c310a57562.dn}/as"
  class_name = "bgpAsP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    asn = "63552"
  }
}

resource "aci_rest_managed" "rspeerPfxPol_36bfefadff038165" {
  dn         = "${aci_rest_managed.peerP_192_168_9_194_64b6f3c310a57562.dn}/rspeerPfxPol"
  class_name = "bgpRsPeerPfxPol"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnBgpPeerPfxPolName = "BGP_K8C1"
  }
}

resource "aci_rest_managed" "localasn_f7b3a62ce8f29316" {
  dn         = "${aci_rest_managed.peerP_192_168_9_194_64b6f3c310a57562.dn}/localasn"
  class_name = "bgpLocalAsnP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    asnPropagate = "none"
    localAsn     = "63500"
  }
}

resource "aci_rest_managed" "rspathL3OutAtt_topology_pod_1_protpaths_201_202_pathep_VPC_K8C1_K8C1S2_c750c507dc474c68" {
  dn         = "${aci_rest_managed.lifp_IFP_K8C1_60035ac3ed4ed5f1.dn}/rspathL3OutAtt-[topology/pod-1/protpaths-201-202/pathep-[VPC_K8C1_K8C1S2]]"
  class_name = "l3extRsPathL3OutAtt"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    addr       = "0.0.0.0"
    encap      = "vlan-1500"
    encapScope = "local"
    ifInstT    = "ext-svi"
    mode       = "regular"
    mtu        = "9000"
    tDn        = "topology/pod-1/protpaths-201-202/pathep-[VPC_K8C1_K8C1S2]"
  }
}

resource "aci_rest_managed" "mem_A_d70a71abdf83ebec" {
  dn         = "${aci_rest_managed.rspathL3OutAtt_topology_pod_1_protpaths_201_202_pathep_VPC_K8C1_K8C1S2_c750c507dc474c68.dn}/mem-A"
  class_name = "l3extMember"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    addr = "192.168.9.204/28"
    side = "A"
  }
}

resource "aci_rest_managed" "addr_192_168_9_206_28_c76f87f882b6af3f" {
  dn         = "${aci_rest_managed.mem_A_d70a71abdf83ebec.dn}/addr-[192.168.9.206/28]"
  class_name = "l3extIp"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    addr = "192.168.9.206/28"
  }
}

resource "aci_rest_managed" "mem_B_37e3a6080fead78f" {
  dn         = "${aci_rest_managed.rspathL3OutAtt_topology_pod_1_protpaths_201_202_pathep_VPC_K8C1_K8C1S2_c750c507dc474c68.dn}/mem-B"
  class_name = "l3extMember"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    addr = "192.168.9.205/28"
    side = "B"
  }
}

resource "aci_rest_managed" "addr_192_168_9_206_28_a2e4b426dc7e46d7" {
  dn         = "${aci_rest_managed.mem_B_37e3a6080fead78f.dn}/addr-[192.168.9.206/28]"
  class_name = "l3extIp"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    addr = "192.168.9.206/28"
  }
}

resource "aci_rest_managed" "peerP_192_168_9_195_aee1ed396fcbcc2e" {
  dn         = "${aci_rest_managed.rspathL3OutAtt_topology_pod_1_protpaths_201_202_pathep_VPC_K8C1_K8C1S2_c750c507dc474c68.dn}/peerP-[192.168.9.195]"
  class_name = "bgpPeerP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    addr  = "192.168.9.195"
    ctrl  = "nh-self"
    descr = "k8c1s2"
  }
}

resource "aci_rest_managed" "as_6e6ea1e79fdc1af8" {
  dn         = "${aci_rest_managed.peerP_192_168_9_195_aee1ed396fcbcc2e.dn}/as"
  class_name = "bgpAsP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    asn = "63553"
  }
}

resource "aci_rest_managed" "rspeerPfxPol_a99fb317fdb6f1cf" {
  dn         = "${aci_rest_managed.peerP_192_168_9_195_aee1ed396fcbcc2e.dn}/rspeerPfxPol"
  class_name = "bgpRsPeerPfxPol"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnBgpPeerPfxPolName = "BGP_K8C1"
  }
}

resource "aci_rest_managed" "localasn_c0842e5af052a6e7" {
  dn         = "${aci_rest_managed.peerP_192_168_9_195_aee1ed396fcbcc2e.dn}/localasn"
  class_name = "bgpLocalAsnP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    asnPropagate = "none"
    localAsn     = "63500"
  }
}

resource "aci_rest_managed" "instP_EPG_K8_NODES_5d0ae420b3a82589" {
  dn         = "${aci_rest_managed.out_L3O_K8_C1_0bf99450c3ea2f24.dn}/instP-EPG_K8_NODES"
  class_name = "l3extInstP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "EPG_K8_NODES"
  }
}

resource "aci_rest_managed" "extsubnet_192_168_9_192_28_ab029f36d36e8dec" {
  dn         = "${aci_rest_managed.instP_EPG_K8_NODES_5d0ae420b3a82589.dn}/extsubnet-[192.168.9.192/28]"
  class_name = "l3extSubnet"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    ip    = "192.168.9.192/28"
    scope = "import-security"
  }
}

resource "aci_rest_managed" "rsprov_CNT_LINUX_MGMT_93e5e8e686ef6990" {
  dn         = "${aci_rest_managed.instP_EPG_K8_NODES_5d0ae420b3a82589.dn}/rsprov-CNT_LINUX_MGMT"
  class_name = "fvRsProv"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnVzBrCPName = "CNT_LINUX_MGMT"
  }
}

resource "aci_rest_managed" "rsprov_CNT_K8_API_SERVER_20334655be763d6d" {
  dn         = "${aci_rest_managed.instP_EPG_K8_NODES_5d0ae420b3a82589.dn}/rsprov-CNT_K8_API_SERVER"
  class_name = "fvRsProv"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnVzBrCPName = "CNT_K8_API_SERVER"
  }
}

resource "aci_rest_managed" "rscons_CNT_INTERNET_405e5d54e08cce65" {
  dn         = "${aci_rest_managed.instP_EPG_K8_NODES_5d0ae420b3a82589.dn}/rscons-CNT_INTERNET"
  class_name = "fvRsCons"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnVzBrCPName = "CNT_INTERNET"
  }
}

resource "aci_rest_managed" "instP_EPG_K8_PODS_9e76b4a5e1be086c" {
  dn         = "${aci_rest_managed.out_L3O_K8_C1_0bf99450c3ea2f24.dn}/instP-EPG_K8_PODS"
  class_name = "l3extInstP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "EPG_K8_PODS"
  }
}

resource "aci_rest_managed" "extsubnet_172_27_0_0_16_bd046120f9d6bfec" {
  dn         = "${aci_rest_managed.instP_EPG_K8_PODS_9e76b4a5e1be086c.dn}/extsubnet-[172.27.0.0/16]"
  class_name = "l3extSubnet"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    ip    = "172.27.0.0/16"
    scope = "import-security"
  }
}

resource "aci_rest_managed" "rscons_CNT_K8_API_SERVER_8a5ad41c450aa065" {
  dn         = "${aci_rest_managed.instP_EPG_K8_PODS_9e76b4a5e1be086c.dn}/rscons-CNT_K8_API_SERVER"
  class_name = "fvRsCons"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnVzBrCPName = "CNT_K8_API_SERVER"
  }
}

resource "aci_rest_managed" "instP_EPG_TRANSIT_OUT_ad96af4e4aabf3f8" {
  dn         = "${aci_rest_managed.out_L3O_K8_C1_0bf99450c3ea2f24.dn}/instP-EPG_TRANSIT_OUT"
  class_name = "l3extInstP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "EPG_TRANSIT_OUT"
  }
}

resource "aci_rest_managed" "extsubnet_0_0_0_0_0_c34b12e213bfdb25" {
  dn         = "${aci_rest_managed.instP_EPG_TRANSIT_OUT_ad96af4e4aabf3f8.dn}/extsubnet-[0.0.0.0/0]"
  class_name = "l3extSubnet"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    ip    = "0.0.0.0/0"
    scope = "export-rtctrl"
  }
}

resource "aci_rest_managed" "instP_EPG_K8_APP_MCAST_17bf10fda5a6dbd0" {
  dn         = "${aci_rest_managed.out_L3O_K8_C1_0bf99450c3ea2f24.dn}/instP-EPG_K8_APP_MCAST"
  class_name = "l3extInstP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "EPG_K8_APP_MCAST"
  }
}

resource "aci_rest_managed" "extsubnet_172_29_0_6_32_60e9f3625efcea8a" {
  dn         = "${aci_rest_managed.instP_EPG_K8_APP_MCAST_17bf10fda5a6dbd0.dn}/extsubnet-[172.29.0.6/32]"
  class_name = "l3extSubnet"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    ip    = "172.29.0.6/32"
    scope = "import-security"
  }
}

resource "aci_rest_managed" "rsprov_CNT_K8_APP_MCAST_bd7b0c0663456480" {
  dn         = "${aci_rest_managed.instP_EPG_K8_APP_MCAST_17bf10fda5a6dbd0.dn}/rsprov-CNT_K8_APP_MCAST"
  class_name = "fvRsProv"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnVzBrCPName = "CNT_K8_APP_MCAST"
  }
}

resource "aci_rest_managed" "instP_EPG_K8_APP_K8_DASHBOARD_f49d6f0eb823a278" {
  dn         = "${aci_rest_managed.out_L3O_K8_C1_0bf99450c3ea2f24.dn}/instP-EPG_K8_APP_K8_DASHBOARD"
  class_name = "l3extInstP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "EPG_K8_APP_K8_DASHBOARD"
  }
}

resource "aci_rest_managed" "extsubnet_172_29_0_7_32_0302b014609199e6" {
  dn         = "${aci_rest_managed.instP_EPG_K8_APP_K8_DASHBOARD_f49d6f0eb823a278.dn}/extsubnet-[172.29.0.7/32]"
  class_name = "l3extSubnet"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    ip    = "172.29.0.7/32"
    scope = "import-security"
  }
}

resource "aci_rest_managed" "rsprov_CNT_K8_APP_K8_DASHBOARD_47b0ed1daefa4ed0" {
  dn         = "${aci_rest_managed.instP_EPG_K8_APP_K8_DASHBOARD_f49d6f0eb823a278.dn}/rsprov-CNT_K8_APP_K8_DASHBOARD"
  class_name = "fvRsProv"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnVzBrCPName = "CNT_K8_APP_K8_DASHBOARD"
  }
}

resource "aci_rest_managed" "out_L3O_EXTERNAL_9ed0947a4b0a099f" {
  dn         = "${aci_rest_managed.tn_TEN_K8_C1_020e18477254738c.dn}/out-L3O_EXTERNAL"
  class_name = "l3extOut"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    enforceRtctrl = "export"
    name          = "L3O_EXTERNAL"
  }
}

resource "aci_rest_managed" "rsectx_9f28504d4199e406" {
  dn         = "${aci_rest_managed.out_L3O_EXTERNAL_9ed0947a4b0a099f.dn}/rsectx"
  class_name = "l3extRsEctx"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnFvCtxName = "VRF_K8_C1"
  }
}

resource "aci_rest_managed" "rsl3DomAtt_7fa1b67ee0d9643f" {
  dn         = "${aci_rest_managed.out_L3O_EXTERNAL_9ed0947a4b0a099f.dn}/rsl3DomAtt"
  class_name = "l3extRsL3DomAtt"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tDn = "uni/l3dom-L3D_EXTERNAL"
  }
}

resource "aci_rest_managed" "ospfExtP_3bbe0d04b289cae4" {
  dn         = "${aci_rest_managed.out_L3O_EXTERNAL_9ed0947a4b0a099f.dn}/ospfExtP"
  class_name = "ospfExtP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    areaCost = "1"
    areaCtrl = "redistribute,summary"
    areaId   = "0.0.0.108"
    areaType = "regular"
  }
}

resource "aci_rest_managed" "prof_default_export_f9576661711a33a4" {
  dn         = "${aci_rest_managed.out_L3O_EXTERNAL_9ed0947a4b0a099f.dn}/prof-default-export"
  class_name = "rtctrlProfile"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "default-export"
    type = "combinable"
  }
}

resource "aci_rest_managed" "ctx_MATCH_K8C1_NODES_94e94614ed539b07" {
  dn         = "${aci_rest_managed.prof_default_export_f9576661711a33a4.dn}/ctx-MATCH_K8C1_NODES"
  class_name = "rtctrlCtxP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    action = "permit"
    name   = "MATCH_K8C1_NODES"
    order  = "0"
  }
}

resource "aci_rest_managed" "rsctxPToSubjP_MATCH_K8C1_NODES_1d116a19303262f7" {
  dn         = "${aci_rest_managed.ctx_MATCH_K8C1_NODES_94e94614ed539b07.dn}/rsctxPToSubjP-MATCH_K8C1_NODES"
  class_name = "rtctrlRsCtxPToSubjP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnRtctrlSubjPName = "MATCH_K8C1_NODES"
  }
}

resource "aci_rest_managed" "ctx_MATCH_K8C1_PODS_c354785b07570ae4" {
  dn         = "${aci_rest_managed.prof_default_export_f9576661711a33a4.dn}/ctx-MATCH_K8C1_PODS"
  class_name = "rtctrlCtxP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    action = "permit"
    name   = "MATCH_K8C1_PODS"
    order  = "1"
  }
}

resource "aci_rest_managed" "rsctxPToSubjP_MATCH_K8C1_PODS_ebedee4c39d3b5df" {
  dn         = "${aci_rest_managed.ctx_MATCH_K8C1_PODS_c354785b07570ae4.dn}/rsctxPToSubjP-MATCH_K8C1_PODS"
  class_name = "rtctrlRsCtxPToSubjP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnRtctrlSubjPName = "MATCH_K8C1_PODS"
  }
}

resource "aci_rest_managed" "ctx_MATCH_K8C1_LOADBALANCERS_9ac6b8666d43332d" {
  dn         = "${aci_rest_managed.prof_default_export_f9576661711a33a4.dn}/ctx-MATCH_K8C1_LOADBALANCERS"
  class_name = "rtctrlCtxP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    action = "permit"
    name   = "MATCH_K8C1_LOADBALANCERS"
    order  = "2"
  }
}

resource "aci_rest_managed" "rsctxPToSubjP_MATCH_K8C1_LOADBALANCERS_f617f3401b17ee67" {
  dn         = "${aci_rest_managed.ctx_MATCH_K8C1_LOADBALANCERS_9ac6b8666d43332d.dn}/rsctxPToSubjP-MATCH_K8C1_LOADBALANCERS"
  class_name = "rtctrlRsCtxPToSubjP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnRtctrlSubjPName = "MATCH_K8C1_LOADBALANCERS"
  }
}

resource "aci_rest_managed" "lnodep_NDP_K8C1_bf583523f58b97d5" {
  dn         = "${aci_rest_managed.out_L3O_EXTERNAL_9ed0947a4b0a099f.dn}/lnodep-NDP_K8C1"
  class_name = "l3extLNodeP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "NDP_K8C1"
  }
}

resource "aci_rest_managed" "rsnodeL3OutAtt_topology_pod_1_node_201_4cac1dd2657e8979" {
  dn         = "${aci_rest_managed.lnodep_NDP_K8C1_bf583523f58b97d5.dn}/rsnodeL3OutAtt-[topology/pod-1/node-201]"
  class_name = "l3extRsNodeL3OutAtt"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    rtrId         = "2.0.0.1"
    rtrIdLoopBack = "no"
    tDn           = "topology/pod-1/node-201"
  }
}

resource "aci_rest_managed" "lifp_IFP_K8C1_22e8837070398cd5" {
  dn         = "${aci_rest_managed.lnodep_NDP_K8C1_bf583523f58b97d5.dn}/lifp-IFP_K8C1"
  class_name = "l3extLIfP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "IFP_K8C1"
  }
}

resource "aci_rest_managed" "ospfIfP_f3bf4705b9634608" {
  dn         = "${aci_rest_managed.lifp_IFP_K8C1_22e8837070398cd5.dn}/ospfIfP"
  class_name = "ospfIfP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    authType = "none"
    name     = "OSPF_K8C1"
  }
}

resource "aci_rest_managed" "rsIfPol_5e586a731ca1cb98" {
  dn         = "${aci_rest_managed.ospfIfP_f3bf4705b9634608.dn}/rsIfPol"
  class_name = "ospfRsIfPol"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnOspfIfPolName = "OSPF_K8C1"
  }
}

resource "aci_rest_managed" "rspathL3OutAtt_topology_pod_1_paths_201_pathep_eth1_48_49675afafd32ff8e" {
  dn         = "${aci_rest_managed.lifp_IFP_K8C1_22e8837070398cd5.dn}/rspathL3OutAtt-[topology/pod-1/paths-201/pathep-[eth1/48]]"
  class_name = "l3extRsPathL3OutAtt"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    addr    = "10.108.0.1/30"
    encap   = "vlan-108"
    ifInstT = "sub-interface"
    mode    = "regular"
    mtu     = "9000"
    tDn     = "topology/pod-1/paths-201/pathep-[eth1/48]"
  }
}

resource "aci_rest_managed" "instP_EPG_DEFAULT_87ea6e27810037a9" {
  dn         = "${aci_rest_managed.out_L3O_EXTERNAL_9ed0947a4b0a099f.dn}/instP-EPG_DEFAULT"
  class_name = "l3extInstP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "EPG_DEFAULT"
  }
}

resource "aci_rest_managed" "extsubnet_0_0_0_0_0_330018996e6e9606" {
  dn         = "${aci_rest_managed.instP_EPG_DEFAULT_87ea6e27810037a9.dn}/extsubnet-[0.0.0.0/0]"
  class_name = "l3extSubnet"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    ip    = "0.0.0.0/0"
    scope = "import-security"
  }
}

resource "aci_rest_managed" "rsprov_CNT_INTERNET_b7de33bad05b2d4b" {
  dn         = "${aci_rest_managed.instP_EPG_DEFAULT_87ea6e27810037a9.dn}/rsprov-CNT_INTERNET"
  class_name = "fvRsProv"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnVzBrCPName = "CNT_INTERNET"
  }
}

resource "aci_rest_managed" "rscons_CNT_LINUX_MGMT_c8dda62c5aeea8db" {
  dn         = "${aci_rest_managed.instP_EPG_DEFAULT_87ea6e27810037a9.dn}/rscons-CNT_LINUX_MGMT"
  class_name = "fvRsCons"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnVzBrCPName = "CNT_LINUX_MGMT"
  }
}

resource "aci_rest_managed" "rscons_CNT_K8_APP_MCAST_da5e9f733db22367" {
  dn         = "${aci_rest_managed.instP_EPG_DEFAULT_87ea6e27810037a9.dn}/rscons-CNT_K8_APP_MCAST"
  class_name = "fvRsCons"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnVzBrCPName = "CNT_K8_APP_MCAST"
  }
}

resource "aci_rest_managed" "rscons_CNT_K8_APP_K8_DASHBOARD_0ac90ab50c8b7d46" {
  dn         = "${aci_rest_managed.instP_EPG_DEFAULT_87ea6e27810037a9.dn}/rscons-CNT_K8_APP_K8_DASHBOARD"
  class_name = "fvRsCons"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    tnVzBrCPName = "CNT_K8_APP_K8_DASHBOARD"
  }
}

resource "aci_rest_managed" "instP_EPG_TRANSIT_OUT_K8_CIDRS_7d6a9fb305d64a0e" {
  dn         = "${aci_rest_managed.out_L3O_EXTERNAL_9ed0947a4b0a099f.dn}/instP-EPG_TRANSIT_OUT_K8_CIDRS"
  class_name = "l3extInstP"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    name = "EPG_TRANSIT_OUT_K8_CIDRS"
  }
}

resource "aci_rest_managed" "extsubnet_192_168_9_192_28_200954e5356b7613" {
  dn         = "${aci_rest_managed.instP_EPG_TRANSIT_OUT_K8_CIDRS_7d6a9fb305d64a0e.dn}/extsubnet-[192.168.9.192/28]"
  class_name = "l3extSubnet"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    ip    = "192.168.9.192/28"
    scope = "export-rtctrl"
  }
}

resource "aci_rest_managed" "extsubnet_172_27_0_0_16_85c2f9d53a50e74d" {
  dn         = "${aci_rest_managed.instP_EPG_TRANSIT_OUT_K8_CIDRS_7d6a9fb305d64a0e.dn}/extsubnet-[172.27.0.0/16]"
  class_name = "l3extSubnet"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    ip    = "172.27.0.0/16"
    scope = "export-rtctrl"
  }
}

resource "aci_rest_managed" "extsubnet_172_29_0_0_16_678576e996ae0e0e" {
  dn         = "${aci_rest_managed.instP_EPG_TRANSIT_OUT_K8_CIDRS_7d6a9fb305d64a0e.dn}/extsubnet-[172.29.0.0/16]"
  class_name = "l3extSubnet"
  annotation = "orchestrator:joinsvc-k8c1"
  content = {
    ip    = "172.29.0.0/16"
    scope = "export-rtctrl"
  }
}
